/** Requests that go to a cluster, or to one of several by weight. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { RouteActionSchema } from "../../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import { type ForwardIr, REASON_BODIES, type SplitIr } from "../../../ir/index.ts";
import { type AffinityEntries, writeAffinity } from "../affinity.ts";
import { hashPolicyOf } from "../hashPolicy.ts";
import { append, openMessage, ROUTE, writeNumber, writeText } from "../writer.ts";
import { type RouteContext, type RouteForm, writeDirectResponse } from "./action.ts";

/** Numbers in RouteAction and below it. */
const ACTION = { cluster: 1, weightedClusters: 3 } as const;
const WEIGHTED_CLUSTERS = 1;
const CLUSTER_WEIGHT = { name: 1, weight: 2, filterConfig: 10 } as const;
const ROUTE_FILTER_CONFIG = 13;
const WRAPPER_VALUE = 1;

const NO_WEB_SOCKET = [{ upgradeType: "websocket", enabled: false }];

const NOWHERE: readonly RouteForm[] = [
  {
    authority: null,
    isForwarded: false,
    write: (writer) => writeDirectResponse(writer, 503, REASON_BODIES[503] as string),
  },
];

/** The routes of a rule that forwards. */
export function forwardForms({ split }: ForwardIr, context: RouteContext): readonly RouteForm[] {
  if (split.length === 0) return NOWHERE;
  return [{ authority: null, isForwarded: true, write: (writer) => writeForward(writer, split, context) }];
}

function writeForward(writer: BinaryWriter, split: SplitIr, { hashKeys, http2, affinity }: RouteContext): void {
  openMessage(writer, ROUTE.route);
  const [first, second] = split;
  if (first !== undefined && second === undefined) writeText(writer, ACTION.cluster, first.cluster);
  else writeWeightedClusters(writer, split, affinity);
  const hashPolicy = hashPolicyOf(split, hashKeys);
  // Over HTTP/2 it would be an extended CONNECT, for which some endpoints close a connection that others use too.
  if (split.some(({ cluster }) => http2.has(cluster)))
    append(writer, RouteActionSchema, { upgradeConfigs: NO_WEB_SOCKET });
  if (hashPolicy !== null) append(writer, RouteActionSchema, { hashPolicy: [hashPolicy] });
  writer.join();
  if (first !== undefined && second === undefined)
    writeAffinity(writer, ROUTE_FILTER_CONFIG, affinity.get(first.cluster));
}

function writeWeightedClusters(writer: BinaryWriter, split: SplitIr, affinity: AffinityEntries): void {
  openMessage(writer, ACTION.weightedClusters);
  for (const { cluster, weight } of split) {
    openMessage(writer, WEIGHTED_CLUSTERS);
    writeText(writer, CLUSTER_WEIGHT.name, cluster);
    openMessage(writer, CLUSTER_WEIGHT.weight);
    writeNumber(writer, WRAPPER_VALUE, weight);
    writer.join();
    writeAffinity(writer, CLUSTER_WEIGHT.filterConfig, affinity.get(cluster));
    writer.join();
  }
  writer.join();
}
