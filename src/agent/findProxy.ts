/** Finds the proxies that are installed, and asks each for its version. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { ProxyKind } from "../ir/index.ts";
import { adapters } from "./adapters/index.ts";

/** A proxy on this machine with its version, or how to get it. */
export type FoundProxy =
  | { readonly kind: ProxyKind; readonly binary: string; readonly version: string }
  | { readonly kind: ProxyKind; readonly binary: null; readonly hint: string };

/** Where Debian puts daemons; not on every user's PATH. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
/** Envoy takes 50 ms. */
const VERSION_TIMEOUT_MS = 10_000;

/** Environment variable, then where set-up puts it below `root`, then PATH and the system's folders for daemons. */
export async function findProxy(
  kind: ProxyKind,
  { root, env }: { readonly root: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<FoundProxy> {
  const { file, variable, versionArgs, versionPattern, install, setUpPath } = adapters[kind].program;
  const named = env[variable];
  const folders = [...(env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""), ...SYSTEM_FOLDERS];
  const own = setUpPath === null ? [] : [join(root, setUpPath)];
  const candidates = named ? [named] : [...own, ...folders.map((folder) => join(folder, file))];
  for (const binary of candidates) {
    if (await isExecutable(binary)) {
      const printed = await promisify(execFile)(binary, [...versionArgs], { timeout: VERSION_TIMEOUT_MS }).catch(
        (error: Error) => error,
      );
      return printed instanceof Error
        ? { kind, binary: null, hint: `${binary} does not run: ${printed.message.split("\n")[0]}` }
        : { kind, binary, version: versionPattern.exec(printed.stdout + printed.stderr)?.[1] ?? "unknown" };
    }
  }
  const where = named ? `${variable} names ${named}, which is not a program` : `it is not installed; ${install}`;
  return { kind, binary: null, hint: `${where}${named ? "" : `, or set ${variable}`}` };
}

async function isExecutable(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return (
    found?.isFile() === true &&
    access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
  );
}
