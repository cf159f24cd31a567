/** Where connections of a socket go by the server name that clients ask for, of the TLS listeners that share it. */
import { defaults } from "../../gen/defaults.ts";
import type { ClientAuthenticationIr, TlsRouteIr, TlsRoutesIr, TlsServerIr } from "../../ir/index.ts";
import { ANY_HOST, covers, type Listener, type Resource, type Snapshot } from "../../model/index.ts";
import { mostSpecific } from "../../util/mostSpecific.ts";
import { compareText } from "../../util/sorted.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { CompilerMemory } from "../memory.ts";
import { idleTimeoutMs } from "../passes/idleTimeout.ts";
import type { CompiledListener, PassedRoute } from "../passes/listener.ts";
import { reuse, reuseList, reuseParent } from "../reuse.ts";
import { certificatesNamed } from "./certificates.ts";
import { clientAuthentication } from "./clientAuthentication.ts";
import { nameGroups } from "./serverNames.ts";
import { agreedOn } from "./settings.ts";

/** What one socket's table is made of. */
export interface TlsRoutesInput {
  /** Those that share it, ascending by name. */
  readonly members: readonly { readonly listener: Resource<"listener">; readonly compiled: CompiledListener }[];
  readonly snapshot: Snapshot;
  readonly before: TlsRoutesIr | null;
}

type Shown = Omit<TlsServerIr, "serverNames">;

/** Where connections for one name go. */
interface Taken {
  readonly listener: Listener;
  readonly route: PassedRoute;
  readonly asks: ClientAuthenticationIr | null;
  /** Null: TLS is passed through. */
  readonly shown: Shown | null;
}

/** The table; what did not change is the same object as in `before`. */
export function* tlsRoutes(input: TlsRoutesInput, memory: CompilerMemory): Steps<TlsRoutesIr> {
  const { members, snapshot, before } = input;
  const scopes = members.map(({ listener }) => scopeOf(listener.body));
  const taken = new Map<string, Taken>();
  const closed: string[] = [];
  const ofRequests: string[] = [];
  for (const { listener, compiled } of members) {
    if (listener.body.protocol !== "TLS") {
      ofRequests.push(scopeOf(listener.body));
      continue;
    }
    const scope = scopeOf(listener.body);
    const narrower = scopes.filter((other) => other !== scope && covers(scope, other));
    const asks = clientAuthentication(listener.body, snapshot);
    const shownFor = yield* certificatesByName(listener.body, snapshot, memory);
    const routes = new Map(compiled.passed.flatMap((route) => route.hostnames.map((host) => [host, route] as const)));
    const names = new Set([scope, ...routes.keys(), ...(shownFor?.keys() ?? [])]);
    for (const [index, name] of [...names].entries()) {
      if (shouldYield(index)) yield;
      // What more specific listeners have is theirs.
      if (narrower.some((other) => covers(other, name))) continue;
      const route = mostSpecific(routes, name);
      const shown = shownFor === null ? null : mostSpecific(shownFor, name);
      if (route === undefined || shown === undefined) closed.push(name);
      else taken.set(name, { listener: listener.body, route, asks, shown });
    }
  }
  yield;
  const isTaken = (name: string): boolean => mostSpecific(taken, name) !== undefined;
  return reuseParent<TlsRoutesIr>(before, {
    routes: reuseList(before?.routes, yield* joined(taken, before)),
    refused: closed.filter((name) => isTaken(name) || ofRequests.some((wide) => covers(wide, name))).sort(compareText),
  });
}

function scopeOf({ hostname }: Listener): string {
  return hostname?.toLowerCase() ?? ANY_HOST;
}

/** Null: TLS is passed through. */
function* certificatesByName(
  listener: Listener,
  snapshot: Snapshot,
  memory: CompilerMemory,
): Steps<ReadonlyMap<string, Shown> | null> {
  const { tls } = listener;
  if ((tls?.mode ?? defaults["listener.tls.mode"]) === "passthrough") return null;
  const scope = scopeOf(listener);
  const certificates = yield* certificatesNamed(tls?.certificates ?? [], snapshot, memory);
  const settings = { scope, ...agreedOn(listener) };
  const found = new Map<string, Shown>();
  for (const { serverNames, certificates: shown } of yield* nameGroups(certificates, scope)) {
    const server: Shown = { certificates: shown, ...settings };
    for (const name of serverNames) found.set(name, server);
  }
  const isForAll = (tls?.unknownServerName ?? defaults["listener.tls.unknownServerName"]) === "first";
  if (isForAll && !found.has(scope))
    found.set(scope, { certificates: certificates.slice(0, 1).map(({ name }) => name), ...settings });
  return found;
}

/** Names of one route for which the same is shown stand together. */
function* joined(taken: ReadonlyMap<string, Taken>, before: TlsRoutesIr | null): Steps<TlsRouteIr[]> {
  const groups = new Map<string, { readonly serverNames: string[]; readonly of: Taken }>();
  for (const [index, name] of [...taken.keys()].sort(compareText).entries()) {
    if (shouldYield(index)) yield;
    const of = taken.get(name) as Taken;
    const key = [of.listener.name, of.route.name, ...(of.shown?.certificates ?? [])].join(" ");
    const group = groups.get(key) ?? { serverNames: [], of };
    group.serverNames.push(name);
    groups.set(key, group);
  }
  const old = new Map(before?.routes.map((route) => [route.serverNames[0], route]));
  return [...groups.values()].map(({ serverNames, of: { listener, route, asks, shown } }) => {
    const last = old.get(serverNames[0]);
    const terminate = shown === null ? null : { serverNames, ...shown };
    return reuseParent<TlsRouteIr>(last, {
      serverNames: reuseList(last?.serverNames, serverNames),
      listener: listener.name,
      route: route.name,
      split: reuseList(last?.split, route.split),
      idleTimeoutMs: idleTimeoutMs(listener, "TLS"),
      terminate: terminate === null ? null : reuseParent<TlsServerIr>(last?.terminate, terminate),
      clientAuthentication: asks === null ? null : reuse(last?.clientAuthentication, asks),
    });
  });
}
