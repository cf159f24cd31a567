/** What a resource refers to, as far as the server's order depends on it. What cannot be read refers to nothing. */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ListenerSchema } from "../../gen/proto/envoy/config/listener/v3/listener_pb.js";
import {
  type Route,
  type VirtualHost,
  VirtualHostSchema,
} from "../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "../../gen/proto/envoy/config/route/v3/route_pb.js";
import * as httpManager from "../../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, VIRTUAL_HOST } from "../../xds/resourceTypes.ts";
import { type AnyBytes, fieldsOf, textAt, valuesAt } from "./wire.ts";

type Ref = readonly [string, string];

const READERS: Readonly<Record<string, (value: Uint8Array) => Ref[]>> = {
  [CLUSTER]: serviceNames,
  [ROUTE]: (value) => clusters(decoded(RouteConfigurationSchema, value).virtualHosts),
  [VIRTUAL_HOST]: (value) => clusters([decoded(VirtualHostSchema, value)]),
  [LISTENER]: listenerRefs,
};

/** References of a resource. */
export function refsOf({ typeUrl, value }: AnyBytes): readonly Ref[] {
  try {
    return READERS[typeUrl]?.(value) ?? [];
  } catch {
    // The harness sends messages that are hardly filled in, and some that are none.
    return [];
  }
}

function decoded<D extends DescMessage>(schema: D, value: Uint8Array): MessageShape<D> {
  return fromBinary(schema, value);
}

/** `eds_cluster_config.service_name`, read without decoding the rest: there are many clusters. */
function serviceNames(value: Uint8Array): Ref[] {
  return valuesAt(fieldsOf(value), 3).flatMap((eds): Ref[] => {
    const name = textAt(fieldsOf(eds), 2);
    return name === "" ? [] : [[ENDPOINT, name]];
  });
}

function clusters(hosts: readonly VirtualHost[]): Ref[] {
  const names = new Set(hosts.flatMap((host) => host.routes.flatMap(targets)));
  return [...names].map((name) => [CLUSTER, name]);
}

function targets({ action }: Route): string[] {
  if (action.case !== "route") return [];
  const { clusterSpecifier } = action.value;
  if (clusterSpecifier.case === "cluster") return [clusterSpecifier.value];
  if (clusterSpecifier.case !== "weightedClusters") return [];
  return clusterSpecifier.value.clusters.map((entry) => entry.name);
}

function listenerRefs(value: Uint8Array): Ref[] {
  return decoded(ListenerSchema, value).filterChains.flatMap((chain) =>
    chain.filters.flatMap((filter): Ref[] => {
      if (filter.configType.case !== "typedConfig") return [];
      const manager = anyUnpack(filter.configType.value, httpManager.HttpConnectionManagerSchema);
      if (manager?.routeSpecifier.case === "rds") return [[ROUTE, manager.routeSpecifier.value.routeConfigName]];
      return manager?.routeSpecifier.case === "routeConfig" ? clusters(manager.routeSpecifier.value.virtualHosts) : [];
    }),
  );
}
