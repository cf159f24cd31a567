import { create, toBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { DeltaDiscoveryRequestSchema } from "../gen/proto/envoy/service/discovery/v3/discovery_pb.js";
import { finish } from "../util/steps.ts";
import { decodeDeltaSteps } from "./decode.ts";
import { CLUSTER, resource } from "./testing.ts";
import type { XdsResource } from "./types.ts";
import { isSameSum, sumOfEntries, sumOfResources, type VersionSum } from "./versionSum.ts";

const named = (name: string, version: string): XdsResource => ({ ...resource(CLUSTER, name), version });

/** Of what a client sends that has these. */
function sent(resources: readonly XdsResource[]): VersionSum {
  const initialResourceVersions = Object.fromEntries(resources.map(({ name, version }) => [name, version]));
  const request = create(DeltaDiscoveryRequestSchema, { typeUrl: CLUSTER, initialResourceVersions });
  const bytes = Buffer.from(toBinary(DeltaDiscoveryRequestSchema, request));
  return sumOfEntries(finish(decodeDeltaSteps(bytes, [])).rawVersions);
}

const LIST = [
  ...["a", "é", "漢字", "n".repeat(125), "n".repeat(126), "n".repeat(127), "n".repeat(300)].map((name) =>
    named(name, "v1"),
  ),
  named("a name and no version to speak of", "1"),
];

it("is the same whatever the order, and for what the server expects", () => {
  expect(sent(LIST)).toEqual(sumOfResources(LIST));
  expect(sent(LIST.toReversed())).toEqual(sumOfResources(LIST));
  expect(sent(LIST).count).toBe(LIST.length);
  expect(sumOfEntries(Buffer.alloc(0))).toEqual(sumOfResources([]));
});

it.each([
  { title: "another version", list: [...LIST.slice(1), named("a", "v2")] },
  { title: "one less", list: LIST.slice(1) },
  { title: "one more", list: [...LIST, named("b", "v1")] },
  { title: "another name", list: [...LIST.slice(1), named("b", "v1")] },
  { title: "a border moved between name and version", list: [...LIST.slice(1), named("av", "1")] },
])("differs: $title", ({ list }) => {
  expect(isSameSum(sumOfResources(list), sumOfResources(LIST))).toBe(false);
});

it("differs when two resources have each other's version", () => {
  const [one, other] = [named("a", "1"), named("b", "2")];
  const swapped = [named("a", "2"), named("b", "1")];
  expect(isSameSum(sumOfResources([one, other]), sumOfResources(swapped))).toBe(false);
});

it("tells similar entries apart", () => {
  const seen = new Set<string>();
  for (let name = 0; name < 300; name++) {
    for (let version = 0; version < 300; version++) {
      const { low, high } = sumOfResources([named(`svc-${name}`, `${version}`)]);
      seen.add(`${low} ${high}`);
    }
  }
  expect(seen.size).toBe(90_000);
});

it("ends whatever the bytes are", () => {
  let state = 11;
  for (let turn = 0; turn < 10_000; turn++) {
    const bytes = Buffer.alloc(turn % 40);
    for (let at = 0; at < bytes.length; at++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      bytes[at] = state >>> 16;
    }
    sumOfEntries(bytes);
  }
});
