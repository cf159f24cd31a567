/** RouteConfigurations of HTTP ports, spliced from the ready bytes of its virtual hosts. */
import { create } from "@bufbuild/protobuf";
import { HeaderValueOption_HeaderAppendAction as Append } from "../../gen/proto/envoy/config/core/v3/base_pb.js";
import { RouteConfigurationSchema } from "../../gen/proto/envoy/config/route/v3/route_pb.js";
import {
  altSvc,
  type ClientAuthenticationIr,
  type HttpPortIr,
  scopeOf,
  type VirtualHostIr,
  viaEntry,
} from "../../ir/index.ts";
import { contentHash } from "../../util/hash.ts";
import type { Steps } from "../../util/steps.ts";
import type { RenderedResource } from "../target.ts";
import { type AffinityEntries, affinityEntries } from "./affinity.ts";
import { MISDIRECTED_HOST, tableSuffix, toldField, toldFormat } from "./clientAuthentication.ts";
import { clientSilenceMs } from "./clientTimeouts.ts";
import type { HashKeys, RouteKeys } from "./hashPolicy.ts";
import { memoByFields } from "./memo.ts";
import { joinLooks, type Looks, notedHeaders } from "./noted.ts";
import { encode, type Ref, typeUrls } from "./types.ts";
import {
  createVirtualHostEncoder,
  type EncodedVirtualHost,
  otherListeners,
  unknownHost,
  type VirtualHostEncoder,
} from "./virtualHost.ts";
import { joinBytes } from "./writer.ts";

/** The longest body of a direct response: the model's 4096 characters, up to four UTF-8 bytes each. Envoy's default is 4096 bytes. */
const MAX_DIRECT_RESPONSE_BYTES = 4 * 4096;

interface Settings extends Looks {
  readonly name: string;
  /** Empty: nothing is added to Via. */
  readonly via: string;
  /** The format of how endpoints are told of clients' certificates; empty: they are not. */
  readonly told: string;
  /** Alt-Svc of answers; empty: none. */
  readonly http3: string;
}

/** Everything but the virtual hosts. */
function settings({ name, via, told, http3, ...looks }: Settings): Uint8Array {
  const message = create(RouteConfigurationSchema, {
    name,
    ignorePortInHostMatching: true,
    maxDirectResponseBodySizeBytes: MAX_DIRECT_RESPONSE_BYTES,
    // A rule's own changes come last and win.
    mostSpecificHeaderMutationsWins: true,
    // use_remote_address writes it; suppress_envoy_headers does not cover it.
    requestHeadersToRemove: ["x-envoy-external-address", ...notedHeaders(looks)],
    // Envoy's own would be the machine's address instead of a loopback client's (skip_xff_append switches it off).
    requestHeadersToAdd: [
      {
        header: { key: "x-forwarded-for", value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" },
        appendAction: Append.APPEND_IF_EXISTS_OR_ADD,
      },
      ...(via === ""
        ? []
        : [{ header: { key: "via", value: viaEntry(via) }, appendAction: Append.APPEND_IF_EXISTS_OR_ADD }]),
      ...(told === "" ? [] : [toldField(told)]),
    ],
    // A rule's own Alt-Svc comes later and wins; an endpoint's is of places that clients do not see.
    responseHeadersToAdd:
      http3 === ""
        ? []
        : [{ header: { key: "alt-svc", value: http3 }, appendAction: Append.OVERWRITE_IF_EXISTS_OR_ADD }],
  });
  return encode(RouteConfigurationSchema, message);
}

/** A port's route tables: one, or inside TLS one for each listener of several. */
export interface RouteTable {
  readonly resources: readonly RenderedResource[];
  /** What its listener has to note for them. */
  readonly looks: Looks;
}

/** The name of the route table of the listener that has this hostname, or of the only one. */
export function routeTableName({ id, tls }: Pick<HttpPortIr, "id" | "tls">, scope: string): string {
  if (tls === null) return id;
  const [first] = tls.scopes;
  const own = tls.scopes.length < 2 ? first : tls.scopes.find(({ hostname }) => hostname === scope);
  return (tls.scopes.length < 2 ? id : `${id}.${own?.listener}`) + tableSuffix(own?.clientAuthentication ?? null);
}

/** Renders a port's route tables. */
export type RouteTables = (port: HttpPortIr, isLogged: boolean) => Steps<RouteTable>;

/** Route tables of these keys with a memory of their own, by identity of ports and what is in them. */
export function createRouteTables({ hashKeys, cookies, http2 }: RouteKeys): RouteTables {
  const affinity = affinityEntries(cookies);
  const encodeHost = createVirtualHostEncoder();
  const settingsOf = memoByFields(settings);
  const plain = new WeakMap<HttpPortIr, RouteTable>();
  const logged = new WeakMap<HttpPortIr, RouteTable>();
  return function* renderRouteTable(port, isLogged) {
    const known = isLogged ? logged : plain;
    let rendered = known.get(port);
    if (rendered === undefined) {
      rendered = yield* spliced({ port, isLogged, hashKeys, http2, affinity }, encodeHost, settingsOf);
      known.set(port, rendered);
    }
    return rendered;
  };
}

interface LoggedPort {
  readonly port: HttpPortIr;
  readonly isLogged: boolean;
  readonly hashKeys: HashKeys;
  readonly http2: ReadonlySet<string>;
  readonly affinity: AffinityEntries;
}

/** The version is a hash over the hashes of the parts. */
function* spliced(
  { port, isLogged, hashKeys, http2, affinity }: LoggedPort,
  encodeHost: VirtualHostEncoder,
  settingsOf: typeof settings,
): Steps<RouteTable> {
  const silence = clientSilenceMs(port.clientTimeouts);
  const place = {
    ...{ port: port.port, isTls: port.tls !== null, clientSilenceMs: silence, http2 },
    ...{ isLogged, hashKeys, affinity, via: port.via },
  };
  const tables = tablesOf(port);
  const encoded: (Pick<Table, "name" | "told"> & { readonly hosts: readonly EncodedVirtualHost[] })[] = [];
  for (const { name, virtualHosts, others, told } of tables) {
    const hosts: EncodedVirtualHost[] = [];
    for (const host of virtualHosts) for (const part of yield* encodeHost(host, place)) hosts.push(part);
    if (others.length > 0) hosts.push(otherListeners(others, place));
    const takesAny = others.includes("*") || virtualHosts.some(({ hostnames }) => hostnames.includes("*"));
    if (!takesAny) hosts.push(unknownHost(isLogged, port.via));
    encoded.push({ name, told, hosts });
  }
  const looks = joinLooks(encoded.flatMap(({ hosts }) => hosts.map((host) => host.looks)));
  const http3 = port.http3 === null ? "" : altSvc(port.http3);
  const resources = encoded.map(({ name, told, hosts }) => {
    const head = settingsOf({ name, told, http3, ...looks, via: port.via ?? "" });
    const parts = [head];
    for (const host of hosts) for (const part of host.parts) parts.push(part);
    return {
      typeUrl: typeUrls.routes,
      name,
      bytes: joinBytes(parts),
      version: contentHash(head, hosts.map(({ hash }) => hash).join()),
      refs: distinctRefs(hosts),
    };
  });
  return { resources, looks };
}

interface Table {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHostIr[];
  /** Hostnames of the port's other listeners, which this one's connections are not for, and the one that stands for other hosts. */
  readonly others: readonly string[];
  readonly told: string;
}

function tablesOf(port: HttpPortIr): readonly Table[] {
  const { tls, virtualHosts } = port;
  const [only] = tls?.scopes ?? [];
  if (tls === null || tls.scopes.length < 2)
    return [
      {
        name: routeTableName(port, only?.hostname ?? ""),
        virtualHosts,
        others: misdirectedHost(only?.clientAuthentication ?? null),
        told: toldFormat(only?.clientAuthentication ?? null),
      },
    ];
  const own = tls.scopes.filter(({ readsRequests }) => readsRequests);
  return own.map(({ hostname, clientAuthentication }) => ({
    told: toldFormat(clientAuthentication),
    name: routeTableName(port, hostname),
    virtualHosts: virtualHosts.filter(({ hostnames: [first = ""] }) => scopeOf(tls.scopes, first) === hostname),
    others: [
      ...tls.scopes.flatMap((other) => (other.hostname === hostname ? [] : [other.hostname])),
      ...misdirectedHost(clientAuthentication),
    ],
  }));
}

function misdirectedHost(clients: ClientAuthenticationIr | null): readonly string[] {
  return clients === null ? [] : [MISDIRECTED_HOST];
}

/** In order of first appearance. */
function distinctRefs(hosts: readonly EncodedVirtualHost[]): readonly Ref[] {
  const seen = new Set<string>();
  const refs: Ref[] = [];
  for (const host of hosts) {
    for (const list of host.refs) {
      for (const ref of list) {
        if (seen.has(ref[1])) continue;
        seen.add(ref[1]);
        refs.push(ref);
      }
    }
  }
  return refs;
}
