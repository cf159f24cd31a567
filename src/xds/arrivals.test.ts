/** Who may send how much, before it is kept. */
import { expect, it } from "vitest";
import { createArrivals } from "./arrivals.ts";
import { FIRST_REQUEST_BYTES, MAX_LABEL_BYTES, MAX_REQUEST_BYTES, PEEK_BYTES } from "./limits.ts";
import { CLUSTER, NODE } from "./testing.ts";
import { delta, sotw } from "./testingHostile.ts";

/** A request's bytes as they begin, without the head of its frame. */
const start = (frame: Buffer): Buffer => frame.subarray(5, 5 + PEEK_BYTES);
const known = (cluster: string): boolean => cluster === NODE.cluster;
const LONG = FIRST_REQUEST_BYTES + 1;

it("lets a stream that begins with a node of a known fleet send long requests, at once and later", () => {
  for (const isDelta of [true, false]) {
    const encode = isDelta ? delta : sotw;
    const arrivals = createArrivals(isDelta, known);
    arrivals.judge(LONG, start(encode({ node: NODE, typeUrl: CLUSTER })));
    // Before the first one was served: it names no node.
    arrivals.judge(MAX_REQUEST_BYTES, start(encode({ typeUrl: CLUSTER })));
    expect(() => arrivals.judge(MAX_REQUEST_BYTES + 1, Buffer.alloc(0))).toThrow(`${MAX_REQUEST_BYTES}`);
  }
});

it("finds the node behind the longest values, in the first kilobytes", () => {
  const text = "x".repeat(MAX_LABEL_BYTES);
  const node = { id: text, cluster: text, userAgentName: "envoy" };
  const arrivals = createArrivals(false, (cluster) => cluster === text);
  arrivals.judge(LONG, start(sotw({ versionInfo: text, node, resourceNames: ["x".repeat(4_000), "y"] })));
});

it("refuses long requests of strangers", () => {
  for (const first of [
    delta({ typeUrl: CLUSTER }),
    delta({ node: { id: "a", cluster: "none" } }),
    delta({ node: { cluster: "edge" } }),
    Buffer.alloc(PEEK_BYTES, 0xff),
    Buffer.alloc(5),
  ]) {
    const arrivals = createArrivals(true, known);
    arrivals.judge(FIRST_REQUEST_BYTES, start(first));
    expect(() => arrivals.judge(LONG, start(delta({ node: NODE })))).toThrow("known fleet");
  }
});
