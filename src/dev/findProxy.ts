/** Finds the proxies that are installed, and asks each for its version. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { ProxyKind } from "./types.ts";

/** A proxy on this machine with its version, or how to get it. */
export type FoundProxy =
  | { readonly kind: ProxyKind; readonly binary: string; readonly version: string }
  | { readonly kind: ProxyKind; readonly binary: null; readonly hint: string };

interface Lookup {
  readonly variable: string;
  readonly versionArgs: readonly string[];
  /** Its first group is the version. */
  readonly pattern: RegExp;
  readonly install: string;
}

const LOOKUPS: Readonly<Record<ProxyKind, Lookup>> = {
  envoy: {
    variable: "TRIMTAB_ENVOY",
    versionArgs: ["--version"],
    pattern: /version: [0-9a-f]+\/([0-9.]+)/,
    install: "`npm run setup` puts it into .trimtab/bin",
  },
  nginx: {
    variable: "TRIMTAB_NGINX",
    versionArgs: ["-v"],
    pattern: /nginx\/([0-9.]+)/,
    install: "on Debian: `apt-get install nginx libnginx-mod-stream`",
  },
  haproxy: {
    variable: "TRIMTAB_HAPROXY",
    versionArgs: ["-v"],
    pattern: /version ([0-9.]+)/,
    install: "on Debian: `apt-get install haproxy`",
  },
};

/** Where Debian puts daemons; not on every user's PATH. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
/** Envoy takes 50 ms. */
const VERSION_TIMEOUT_MS = 10_000;

/** Environment variable, then `<root>/.trimtab/bin` (Envoy), then PATH and the system's folders for daemons. */
export async function findProxy(
  kind: ProxyKind,
  { root, env }: { readonly root: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<FoundProxy> {
  const { variable, versionArgs, pattern, install } = LOOKUPS[kind];
  const named = env[variable];
  const folders = [...(env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""), ...SYSTEM_FOLDERS];
  const own = kind === "envoy" ? [join(root, ".trimtab", "bin", "envoy")] : [];
  const candidates = named ? [named] : [...own, ...folders.map((folder) => join(folder, kind))];
  for (const binary of candidates) {
    if (await isExecutable(binary)) {
      const printed = await promisify(execFile)(binary, [...versionArgs], { timeout: VERSION_TIMEOUT_MS }).catch(
        (error: Error) => error,
      );
      return printed instanceof Error
        ? { kind, binary: null, hint: `${binary} does not run: ${printed.message.split("\n")[0]}` }
        : { kind, binary, version: pattern.exec(printed.stdout + printed.stderr)?.[1] ?? "unknown" };
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
