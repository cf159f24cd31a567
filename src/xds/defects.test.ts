/** A defect of ours in one stream ends that stream, whoever called: a timer, the fan-out, or a write that went through. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { ACK_WAIT_MS } from "./limits.ts";
import { CLUSTER, ENDPOINT, fleet, NODE, resource } from "./testing.ts";
import { manualServer } from "./testingTransport.ts";
import type { XdsResource } from "./types.ts";

/** Breaks whoever encodes it. */
function broken(typeUrl: string, name: string): XdsResource {
  return {
    ...resource(typeUrl, name, "2"),
    get bytes(): Uint8Array {
      throw new Error(`${name} is broken`);
    },
  };
}

async function setUp() {
  const errors: unknown[] = [];
  const manual = await manualServer({ onError: (error) => void errors.push(error) });
  const edge = fleet(manual.server);
  edge.set(resource(CLUSTER, "a"), resource(ENDPOINT, "e"));
  const [ill, well] = [manual.open(true), manual.open(true)];
  ill.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: ["e"] });
  well.send({ node: NODE, typeUrl: CLUSTER, resourceNamesSubscribe: ["a"] });
  return { ...manual, errors, edge, ill, well };
}

it("called by the fan-out", async () => {
  const { edge, ill, well, errors, server } = await setUp();
  const { nonce } = ill.take()!;
  ill.send({ typeUrl: ENDPOINT, responseNonce: nonce });
  well.send({ typeUrl: CLUSTER, responseNonce: well.take()!.nonce });
  edge.set(resource(CLUSTER, "a", "2"), broken(ENDPOINT, "e"));
  await turn();
  expect(ill.status).toMatchObject({ code: 13 });
  expect(well.take()).toMatchObject({ names: ["a"] });
  expect(errors).toHaveLength(1);
  expect(server.metrics()).toMatchObject({ refusedStreams: 1 });
  expect(server.metrics().ended.get("defect")).toBe(1);
});

it("called by a timer", async () => {
  const { edge, ill, clock, errors } = await setUp();
  ill.take();
  edge.set(resource(CLUSTER, "a"), broken(ENDPOINT, "e"));
  await turn();
  expect(ill.status).toBeNull();
  clock.advance(ACK_WAIT_MS);
  await turn();
  expect(ill.status).toMatchObject({ code: 13 });
  expect(errors).toHaveLength(1);
});

it("called by a write that went through", async () => {
  const { edge, ill, errors, clock } = await setUp();
  edge.set(resource(CLUSTER, "a"), broken(ENDPOINT, "e"));
  await turn();
  expect(ill.status).toBeNull();
  clock.advance(ACK_WAIT_MS);
  expect(ill.take()).not.toBeNull();
  await turn();
  expect(ill.status).toMatchObject({ code: 13 });
  expect(errors).toHaveLength(1);
});
