/** One RouteConfiguration per HTTP port, spliced from the ready bytes of its virtual hosts. */
import { create } from "@bufbuild/protobuf";
import { HeaderValueOption_HeaderAppendAction as Append } from "../../gen/proto/envoy/config/core/v3/base_pb.js";
import { RouteConfigurationSchema } from "../../gen/proto/envoy/config/route/v3/route_pb.js";
import { type HttpPortIr, viaEntry } from "../../ir/index.ts";
import { contentHash } from "../../util/hash.ts";
import type { Steps } from "../../util/steps.ts";
import type { RenderedResource } from "../target.ts";
import { type AffinityEntries, affinityEntries } from "./affinity.ts";
import { clientSilenceMs } from "./clientTimeouts.ts";
import type { HashKeys, RouteKeys } from "./hashPolicy.ts";
import { memoByFields } from "./memo.ts";
import { joinLooks, type Looks, notedHeaders } from "./noted.ts";
import { encode, type Ref, typeUrls } from "./types.ts";
import {
  createVirtualHostEncoder,
  type EncodedVirtualHost,
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
}

/** Everything but the virtual hosts. */
function settings({ name, via, ...looks }: Settings): Uint8Array {
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
    ],
  });
  return encode(RouteConfigurationSchema, message);
}

/** A port's route table. */
export interface RouteTable {
  readonly resource: RenderedResource;
  /** What its listener has to note for it. */
  readonly looks: Looks;
}

/** Renders a port's route table. */
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
  const hosts: EncodedVirtualHost[] = [];
  const silence = clientSilenceMs(port.clientTimeouts);
  const place = { port: port.port, clientSilenceMs: silence, isLogged, hashKeys, http2, affinity, via: port.via };
  for (const host of port.virtualHosts) for (const part of yield* encodeHost(host, place)) hosts.push(part);
  if (!port.virtualHosts.some(({ hostnames }) => hostnames.includes("*"))) hosts.push(unknownHost(isLogged, port.via));
  const looks = joinLooks(hosts.map((host) => host.looks));
  const head = settingsOf({ name: port.id, ...looks, via: port.via ?? "" });
  const parts = [head];
  for (const host of hosts) for (const part of host.parts) parts.push(part);
  const resource = {
    typeUrl: typeUrls.routes,
    name: port.id,
    bytes: joinBytes(parts),
    version: contentHash(head, hosts.map(({ hash }) => hash).join()),
    refs: distinctRefs(hosts),
  };
  return { resource, looks };
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
