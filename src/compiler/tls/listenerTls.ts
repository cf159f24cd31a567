/** TLS of a socket, of the listeners that share it: who is shown which certificate. */
import { defaults } from "../../gen/defaults.ts";
import type { ListenerTlsIr, TlsRoutesIr, TlsScopeIr, TlsServerIr } from "../../ir/index.ts";
import { ANY_HOST, covers, type Listener, type Snapshot } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";
import type { Steps } from "../../util/steps.ts";
import type { CompilerMemory } from "../memory.ts";
import { reuse, reuseList, reuseParent } from "../reuse.ts";
import { certificatesNamed } from "./certificates.ts";
import { clientAuthentication } from "./clientAuthentication.ts";
import { type NameGroup, nameGroups } from "./serverNames.ts";
import { agreedOn } from "./settings.ts";

/** What one socket's TLS is made of. */
export interface ListenerTlsInput {
  /** Those that share it, ascending by name. */
  readonly listeners: readonly Listener[];
  readonly snapshot: Snapshot;
  /** Connections of those that read no requests; null: all do. */
  readonly passed: TlsRoutesIr | null;
  readonly before: ListenerTlsIr | null;
}

/** Null: these listeners are in the clear. Gives `before` itself when it says the same. */
export function* listenerTls(input: ListenerTlsInput, memory: CompilerMemory): Steps<ListenerTlsIr | null> {
  const { listeners, before } = input;
  if (!listeners.some(({ protocol }) => protocol === "HTTPS")) return null;
  const scopes = listeners.map(scopeOf);
  const old = new Map(before?.servers.map((server) => [server.serverNames[0], server]));
  const servers: TlsServerIr[] = [];
  const rejected: string[] = [];
  let unknown: TlsServerIr | null = null;
  for (const listener of listeners) {
    if (listener.protocol !== "HTTPS") continue;
    const scope = scopeOf(listener);
    const narrower = scopes.filter((other) => other !== scope && covers(scope, other));
    const certificates = yield* certificatesNamed(listener.tls?.certificates ?? [], input.snapshot, memory);
    const groups = yield* nameGroups(certificates, scope);
    const own = groups.map((group) => without(group, narrower));
    const takesAll = listener.tls?.unknownServerName ?? defaults["listener.tls.unknownServerName"];
    const settings = { scope, ...agreedOn(listener) };
    const isNamed = scope === ANY_HOST || groups.some(({ serverNames }) => serverNames.includes(scope));
    if (takesAll === "first") {
      const first = certificates.slice(0, 1).map(({ name }) => name);
      if (unknown === null || scope === ANY_HOST) unknown = { serverNames: [], certificates: first, ...settings };
      if (!isNamed && listeners.length > 1) own.push({ serverNames: [scope], certificates: first });
    } else if (!isNamed) rejected.push(scope);
    for (const { serverNames, certificates: shown } of joined(own))
      servers.push(reuse(old.get(serverNames[0]), { serverNames, certificates: shown, ...settings }));
    yield;
  }
  // Who takes every name takes clients that ask for none.
  if (listeners.some((listener) => listener.protocol === "TLS" && scopeOf(listener) === ANY_HOST)) unknown = null;
  servers.sort((a, b) => compareText(a.serverNames[0] as string, b.serverNames[0] as string));
  const taking = [...servers, ...(input.passed?.routes ?? [])];
  const isCovered = (name: string): boolean =>
    taking.some(({ serverNames }) => serverNames.some((wide) => covers(wide, name)));
  return reuseParent<ListenerTlsIr>(before, {
    servers: reuseList(before?.servers, servers),
    unknown: unknown === null ? null : reuse(before?.unknown, unknown),
    rejected: rejected.filter(isCovered).sort(compareText),
    scopes: reuseList(before?.scopes, scopesOf(input)),
  });
}

function scopesOf({ listeners, snapshot, before }: ListenerTlsInput): readonly TlsScopeIr[] {
  const own = listeners.map((listener) => ({
    hostname: scopeOf(listener),
    listener: listener.name,
    readsRequests: listener.protocol === "HTTPS",
    clientAuthentication: listener.protocol === "HTTPS" ? clientAuthentication(listener, snapshot) : null,
  }));
  own.sort((a, b) => compareText(a.hostname, b.hostname));
  return own.map((scope, index) => reuse(before?.scopes[index], scope));
}

function scopeOf({ hostname }: Listener): string {
  return hostname?.toLowerCase() ?? ANY_HOST;
}

/** What more specific listeners have is theirs. */
function without({ serverNames, certificates }: NameGroup, narrower: readonly string[]): NameGroup {
  const own = serverNames.filter((name) => !narrower.some((scope) => covers(scope, name)));
  return { serverNames: own, certificates };
}

/** Groups with the same certificates are one; those without names are none. */
function joined(groups: readonly NameGroup[]): readonly NameGroup[] {
  const found = new Map<string, NameGroup>();
  for (const { serverNames, certificates } of groups) {
    if (serverNames.length === 0) continue;
    const key = certificates.join(" ");
    const names = [...(found.get(key)?.serverNames ?? []), ...serverNames].sort(compareText);
    found.set(key, { serverNames: names, certificates });
  }
  return [...found.values()];
}
