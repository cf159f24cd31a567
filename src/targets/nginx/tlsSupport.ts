/** What is said of TLS; `tls.ts` writes it. */
import type { FleetIr, HttpPortIr } from "../../ir/index.ts";
import { type Finding, foundByInspection, type Support, type Version } from "../target.ts";
import { isBefore, parseVersion } from "../version.ts";
import { DEFAULT_VERSION } from "./version.ts";

/** Before it the versions of a socket's first server hold for all of its names. */
const VERSIONS_BY_NAME_SINCE: Version = [1, 29, 2];

const oneForAll = {
  refused:
    "differs from that of another listener of the same address and port, and before nginx 1.29.2 all of them have the same; give both the same, or take ports apart",
  code: "TLS-PERHOST-PROTO",
  when: foundByInspection,
} as const satisfies Support;

/** Leaves that say which versions there are. */
export const tlsVersionCapabilities = {
  "listener.tls.profile": oneForAll,
  "listener.tls.minVersion": oneForAll,
  "listener.tls.maxVersion": oneForAll,
} as const satisfies Readonly<Record<string, Support>>;

/** Listeners of one socket that differ in what an old nginx has once. */
export function inspectTls({ ports, version }: FleetIr): readonly Finding[] {
  const own = version === null ? DEFAULT_VERSION : parseVersion(version);
  if (!isBefore(own, VERSIONS_BY_NAME_SINCE)) return [];
  return ports.flatMap((port) => (port.kind === "http" ? differing(port) : []));
}

function differing({ tls }: HttpPortIr): readonly Finding[] {
  if (tls === null || tls.scopes.length < 2) return [];
  const all = [...tls.servers, ...(tls.unknown === null ? [] : [tls.unknown])];
  const [first] = all;
  const { code, refused } = oneForAll;
  return (["minVersion", "maxVersion"] as const).flatMap((field) => {
    const others = new Set(all.filter((server) => server[field] !== first?.[field]).map(({ scope }) => scope));
    const listeners = tls.scopes.filter(({ hostname }) => others.has(hostname)).map(({ listener }) => listener);
    return listeners.map((name) => ({
      code,
      severity: "error" as const,
      message: refused,
      resource: { kind: "listener" as const, name },
      pointer: "/tls",
    }));
  });
}
