/** One RouteConfiguration per HTTP port, spliced from the ready bytes of its virtual hosts. */
import { create } from "@bufbuild/protobuf";
import { HeaderValueOption_HeaderAppendAction as Append } from "../../gen/proto/envoy/config/core/v3/base_pb.js";
import { RouteConfigurationSchema } from "../../gen/proto/envoy/config/route/v3/route_pb.js";
import type { HttpPortIr } from "../../ir/index.ts";
import { contentHash } from "../../util/hash.ts";
import type { Steps } from "../../util/steps.ts";
import type { RenderedResource } from "../target.ts";
import { encode, type Ref, typeUrls } from "./types.ts";
import { type EncodedVirtualHost, encodeVirtualHost, unknownHost } from "./virtualHost.ts";
import { concatBytes } from "./wire.ts";

/** The longest body of a direct response: the model's 4096 characters, up to four UTF-8 bytes each. Envoy's default is 4096 bytes. */
const MAX_DIRECT_RESPONSE_BYTES = 4 * 4096;

/** Everything but the virtual hosts. */
function settings(name: string): Uint8Array {
  const message = create(RouteConfigurationSchema, {
    name,
    ignorePortInHostMatching: true,
    maxDirectResponseBodySizeBytes: MAX_DIRECT_RESPONSE_BYTES,
    // A rule's own changes come last and win.
    mostSpecificHeaderMutationsWins: true,
    // use_remote_address writes it; suppress_envoy_headers does not cover it.
    requestHeadersToRemove: ["x-envoy-external-address"],
    // Envoy's own would be the machine's address instead of a loopback client's (skip_xff_append switches it off).
    requestHeadersToAdd: [
      {
        header: { key: "x-forwarded-for", value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" },
        appendAction: Append.APPEND_IF_EXISTS_OR_ADD,
      },
    ],
  });
  return encode(RouteConfigurationSchema, message);
}

const known = new WeakMap<HttpPortIr, RenderedResource>();

/** The port's route table, cached by identity. Its version is a hash over the hashes of its parts. */
export function* renderRouteConfiguration(port: HttpPortIr): Steps<RenderedResource> {
  let rendered = known.get(port);
  if (rendered === undefined) {
    rendered = yield* spliced(port);
    known.set(port, rendered);
  }
  return rendered;
}

function* spliced(port: HttpPortIr): Steps<RenderedResource> {
  const hosts: EncodedVirtualHost[] = [];
  let anyHost = false;
  for (const host of port.virtualHosts) {
    anyHost ||= host.hostname === "*";
    hosts.push(yield* encodeVirtualHost(host, port.port));
  }
  if (!anyHost) hosts.push(unknownHost);
  const head = settings(port.id);
  const parts = [head];
  for (const host of hosts) for (const part of host.parts) parts.push(part);
  return {
    typeUrl: typeUrls.routes,
    name: port.id,
    bytes: concatBytes(parts),
    version: contentHash(head, hosts.map(({ hash }) => hash).join()),
    refs: distinctRefs(hosts),
  };
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
