/** Pairs of chain and key in a folder of folders. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { readSecretFile } from "../util/secretFile.ts";

/** More certificates than a listener of any proxy was tried with, and a hundredth of a second to look at. */
export const MAX_FOLDERS = 1_000;
/** As the field that takes it. */
const MAX_CHAIN_BYTES = 256 * 1024;

/** The names under which a chain and its key are found: of mounted secrets (Kubernetes), of certbot. */
const LAYOUTS: readonly (readonly [chain: string, privateKey: string])[] = [
  ["tls.crt", "tls.key"],
  ["fullchain.pem", "privkey.pem"],
];

/** A certificate's files, as they are now. */
export interface Pair {
  /** The folder's. */
  readonly name: string;
  readonly chain: string;
  readonly privateKey: string;
  /** Changes when one of them does, or another is linked in its place. */
  readonly mark: string;
}

/** Of a folder, by name; those with none of the layouts are none. What lies beside folders is not looked at. */
export async function findPairs(root: string): Promise<readonly Pair[]> {
  const entries = await readdir(root, { withFileTypes: true });
  // `..data` and the like are how secrets are mounted.
  const names = entries.filter((entry) => !entry.isFile() && !entry.name.startsWith(".")).map(({ name }) => name);
  if (names.length > MAX_FOLDERS) throw new Error(`${root} has more than ${MAX_FOLDERS} folders`);
  const found: Pair[] = [];
  for (const name of names.sort()) {
    const pair = await pairIn(root, name);
    if (pair !== null) found.push(pair);
  }
  return found;
}

async function pairIn(root: string, name: string): Promise<Pair | null> {
  for (const [chain, key] of LAYOUTS) {
    const paths = { chain: join(root, name, chain), privateKey: join(root, name, key) };
    const marks = await Promise.all([markOf(paths.chain), markOf(paths.privateKey)]);
    if (marks.every((mark) => mark !== null)) return { name, ...paths, mark: marks.join(" ") };
  }
  return null;
}

/** Links are followed: what they lead to is what changes. Null: there is no such file. */
async function markOf(path: string): Promise<string | null> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  return found?.isFile() === true ? `${found.dev}.${found.ino}.${found.size}.${found.mtimeNs}.${found.ctimeNs}` : null;
}

/** What they hold. Throws one line for a person, which never says what that is. */
export async function readPair(pair: Pair): Promise<{ readonly chain: string; readonly privateKey: string }> {
  // Others must not be able to read the key.
  const privateKey = (await readSecretFile(pair.privateKey)).toString("utf8");
  const { size } = await stat(pair.chain);
  if (size > MAX_CHAIN_BYTES) throw new Error(`${pair.chain} is larger than ${MAX_CHAIN_BYTES} bytes`);
  return { chain: await readFile(pair.chain, "utf8"), privateKey };
}
