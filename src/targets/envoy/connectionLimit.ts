/** How many connections a listener takes: a filter in front of the others. */
import { create } from "@bufbuild/protobuf";
import { ConnectionLimitSchema } from "../../gen/proto/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb.js";
import { pack } from "./types.ts";

/** The filters of a listener that takes at most so many connections; 0: any number. All workers count together. */
export function connectionFilters(id: string, max: number) {
  if (max === 0) return [];
  const limit = create(ConnectionLimitSchema, { statPrefix: id, maxConnections: BigInt(max) });
  const value = pack(ConnectionLimitSchema, limit);
  return [{ name: "envoy.filters.network.connection_limit", configType: { case: "typedConfig" as const, value } }];
}
