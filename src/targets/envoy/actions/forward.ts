/** Requests that go to a cluster, or to one of several by weight. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { RouteActionSchema } from "../../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import { type ForwardIr, REASON_BODIES, type SplitIr } from "../../../ir/index.ts";
import { type HashKeys, hashPolicyOf } from "../hashPolicy.ts";
import { append, openMessage, ROUTE, writeNumber, writeText } from "../writer.ts";
import { type RouteContext, type RouteForm, writeDirectResponse } from "./action.ts";

/** Numbers in RouteAction and below it. */
const ACTION = { cluster: 1, weightedClusters: 3 } as const;
const WEIGHTED_CLUSTERS = 1;
const CLUSTER_WEIGHT = { name: 1, weight: 2 } as const;
const WRAPPER_VALUE = 1;

const NOWHERE: readonly RouteForm[] = [
  {
    authority: null,
    isForwarded: false,
    write: (writer) => writeDirectResponse(writer, 503, REASON_BODIES[503] as string),
  },
];

/** The routes of a rule that forwards. */
export function forwardForms({ split }: ForwardIr, { hashKeys }: RouteContext): readonly RouteForm[] {
  if (split.length === 0) return NOWHERE;
  return [{ authority: null, isForwarded: true, write: (writer) => writeForward(writer, split, hashKeys) }];
}

function writeForward(writer: BinaryWriter, split: SplitIr, hashKeys: HashKeys): void {
  openMessage(writer, ROUTE.route);
  const [first, second] = split;
  if (first !== undefined && second === undefined) writeText(writer, ACTION.cluster, first.cluster);
  else writeWeightedClusters(writer, split);
  const hashPolicy = hashPolicyOf(split, hashKeys);
  if (hashPolicy !== null) append(writer, RouteActionSchema, { hashPolicy: [hashPolicy] });
  writer.join();
}

function writeWeightedClusters(writer: BinaryWriter, split: SplitIr): void {
  openMessage(writer, ACTION.weightedClusters);
  for (const { cluster, weight } of split) {
    openMessage(writer, WEIGHTED_CLUSTERS);
    writeText(writer, CLUSTER_WEIGHT.name, cluster);
    openMessage(writer, CLUSTER_WEIGHT.weight);
    writeNumber(writer, WRAPPER_VALUE, weight);
    writer.join();
    writer.join();
  }
  writer.join();
}
