/** A private key that is searched for wherever it may have been left: as text, as bytes, inside other base64. */
import { createPrivateKey } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** So many characters of a key's text are never there by chance. */
const WINDOW = 16;
/** What the form of a key of a curve begins with in base64, and so how many characters say something of the secret number. */
const [FORM, SECRET] = [36, 43];

/** Whether something holds a part of the key. */
export type Search = (bytes: Buffer | string) => boolean;

/** Of an ECDSA key on P-256, in PEM. */
export function searchFor(pem: string): Search {
  const key = createPrivateKey(pem);
  const { d = "" } = key.export({ format: "jwk" });
  const number = Buffer.from(d, "base64url");
  const body = key.export({ type: "pkcs8", format: "der" }).toString("base64").slice(FORM);
  const text = windows(body.slice(0, SECRET));
  // The PEM once more in base64, as JSON of protobuf has bytes: at each of its three alignments.
  const inner = pem.replace(/-----[^-]+-----|\s/g, "").slice(FORM, FORM + SECRET);
  const again = [0, 1, 2].map((skip) =>
    Buffer.from(inner.slice(skip))
      .toString("base64")
      .slice(0, 2 * WINDOW),
  );
  const others = [number.toString("latin1").slice(0, WINDOW), number.toString("hex").slice(0, 2 * WINDOW), ...again];
  return (bytes) => {
    const all = typeof bytes === "string" ? bytes : bytes.toString("latin1");
    return [...text, ...others].some((piece) => all.includes(piece));
  };
}

function windows(text: string): readonly string[] {
  return Array.from({ length: text.length - WINDOW + 1 }, (_, at) => text.slice(at, at + WINDOW));
}

/** A file with the key in it, and who may read it. */
export interface Found {
  /** Below the folder. */
  readonly path: string;
  readonly mode: string;
}

/** All of them below a folder. */
export function filesWith(folder: string, has: Search): readonly Found[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => has(readFileSync(path)))
    .map((path) => ({ path: path.slice(folder.length + 1), mode: (statSync(path).mode & 0o777).toString(8) }));
}

/** The process and all that it started, as `pid file`, where their arguments or environment hold the key. */
export function processesWith(root: number, has: Search): { readonly seen: number; readonly found: readonly string[] } {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const parents = new Map(pids.map((pid) => [Number(pid), parentOf(pid)]));
  const ours = [...parents.keys()].filter((pid) => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === root) return true;
    return false;
  });
  const files = ours.flatMap((pid) =>
    ["cmdline", "environ"].map((file) => [`${pid} ${file}`, read(pid, file)] as const),
  );
  return { seen: ours.length, found: files.filter(([, text]) => has(text)).map(([name]) => name) };
}

function parentOf(pid: string): number | undefined {
  const stat = read(Number(pid), "stat").toString("latin1");
  const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return parent === undefined ? undefined : Number(parent);
}

/** Empty: it has ended meanwhile. */
function read(pid: number, file: string): Buffer {
  try {
    return readFileSync(`/proc/${pid}/${file}`);
  } catch {
    return Buffer.alloc(0);
  }
}
