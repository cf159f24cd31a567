/**
 * Clients that are kept on their endpoint by a cookie. The filter stands in every listener, off, so that no change of a cluster drains
 * one; the route to a cluster with a cookie turns it on. Of a split each cluster does so for itself.
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import type { Cluster_CommonLbConfigSchema } from "../../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import { HealthStatus } from "../../gen/proto/envoy/config/core/v3/health_check_pb.js";
import {
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
} from "../../gen/proto/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb.js";
import { CookieBasedSessionStateSchema } from "../../gen/proto/envoy/extensions/http/stateful_session/cookie/v3/cookie_pb.js";
import type { AffinityIr, ClusterIr } from "../../ir/index.ts";
import { pack } from "./types.ts";
import { writeText } from "./writer.ts";

const FILTER = "envoy.filters.http.stateful_session";

/** The filter of a listener. */
export const affinityFilter = {
  name: FILTER,
  disabled: true,
  configType: { case: "typedConfig", value: pack(StatefulSessionSchema, create(StatefulSessionSchema)) },
} as const;

/** Names of cookies by cluster; those without affinity have none. */
export type AffinityCookies = ReadonlyMap<string, string>;

/** The cookies of the fleet's clusters. */
export function affinityCookiesOf(clusters: readonly ClusterIr[]): AffinityCookies {
  const cookies = new Map<string, string>();
  for (const { name, affinity } of clusters) if (affinity !== null) cookies.set(name, affinity.cookie);
  return cookies;
}

/** By cluster what turns the filter on: bytes of an entry of `typed_per_filter_config`. */
export type AffinityEntries = ReadonlyMap<string, Uint8Array>;

/** What routes to these clusters say. */
export function affinityEntries(cookies: AffinityCookies): AffinityEntries {
  return new Map([...cookies].map(([cluster, cookie]) => [cluster, entryOf(cookie)]));
}

/** Numbers in an entry of a map. */
const ENTRY = { key: 1, value: 2 } as const;

function entryOf(name: string): Uint8Array {
  // Without a lifetime the value names the endpoint and nothing else, as the other proxies write it.
  const state = create(CookieBasedSessionStateSchema, { cookie: { name, path: "/" } });
  const typedConfig = pack(CookieBasedSessionStateSchema, state);
  const statefulSession = { sessionState: { name: "envoy.http.stateful_session.cookie", typedConfig } };
  const own = create(StatefulSessionPerRouteSchema, { override: { case: "statefulSession", value: statefulSession } });
  const writer = new BinaryWriter();
  writeText(writer, ENTRY.key, FILTER);
  writer.tag(ENTRY.value, WireType.LengthDelimited);
  return writer.bytes(toBinary(AnySchema, pack(StatefulSessionPerRouteSchema, own))).finish();
}

/** Adds the cluster's entry, if it has one, to the open message as this field. */
export function writeAffinity(writer: BinaryWriter, field: number, entry: Uint8Array | undefined): void {
  if (entry !== undefined) writer.tag(field, WireType.LengthDelimited).bytes(entry);
}

type LbConfig = MessageInitShape<typeof Cluster_CommonLbConfigSchema>;

/** Which endpoints a cookie may name: not those that are down or fail their check, but those that are drained. */
export function namedEndpoints(affinity: AffinityIr | null): Pick<LbConfig, "overrideHostStatus"> {
  if (affinity === null) return {};
  const { UNKNOWN, HEALTHY, DEGRADED, DRAINING } = HealthStatus;
  return { overrideHostStatus: { statuses: [UNKNOWN, HEALTHY, DEGRADED, DRAINING] } };
}
