/** Answers to a change that many nodes are told of together. */
import { describe, expect, it } from "vitest";
import { CLUSTER, ENDPOINT, fleet, NODE, resource } from "./testing.ts";
import { type ManualStream, type Message, manualServer } from "./testingTransport.ts";

const NAMES = ["a", "b"];

/** How nodes of a variant answer. */
function answering(delta: boolean) {
  return (stream: ManualStream, { typeUrl, nonce, version }: Message, more: object = {}): void => {
    const state = delta ? {} : { resourceNames: typeUrl === ENDPOINT ? NAMES : [], versionInfo: version };
    stream.send({ typeUrl, responseNonce: nonce, ...state, ...more });
  };
}

/** Three nodes that have accepted revision 1, and wait for nothing. */
async function settledFleet(delta: boolean) {
  const acknowledged: string[] = [];
  const answer = answering(delta);
  const manual = await manualServer({
    onStream: ({ kind, nodeId, revision }) => {
      if (kind === "acknowledged") acknowledged.push(`${nodeId} ${revision}`);
    },
  });
  const edge = fleet(manual.server);
  const set = (content: string): void =>
    edge.set(
      ...NAMES.map((name) => resource(CLUSTER, name)),
      ...NAMES.map((name) => resource(ENDPOINT, name, content)),
    );
  set("1");
  const names = delta ? "resourceNamesSubscribe" : "resourceNames";
  const streams = ["x", "y", "z"].map((id) => {
    const stream = manual.open(delta);
    const node = { ...NODE, id };
    stream.send({ node, typeUrl: CLUSTER, [names]: [] });
    stream.send({ node, typeUrl: ENDPOINT, [names]: NAMES });
    return stream;
  });
  for (let turn = 0; turn < 4; turn++) {
    await Promise.resolve();
    for (const stream of streams) for (let next = stream.take(); next; next = stream.take()) answer(stream, next);
    manual.clock.advance(2_000);
  }
  return { manual, streams, set, acknowledged };
}

describe.each([{ delta: true }, { delta: false }])("an answer that others have given (delta: $delta)", ({ delta }) => {
  const answer = answering(delta);

  it("is counted, and takes the revision, for each node once", async () => {
    const { manual, streams, set, acknowledged } = await settledFleet(delta);
    const { requests, staleNonces } = { ...manual.server.metrics() };
    for (const turn of [2, 3]) {
      set(`${turn}`);
      await Promise.resolve();
      const sent = streams.map((stream) => stream.take()!);
      for (const [index, stream] of streams.entries()) answer(stream, sent[index]!);
      for (const { types } of manual.server.nodes()) for (const { sent, acked } of types) expect(acked).toBe(sent);
      // Once more: it answers nothing now.
      answer(streams[1]!, sent[1]!);
    }
    expect(acknowledged).toEqual([1, 2, 3].flatMap((turn) => ["x", "y", "z"].map((id) => `${id} ${turn}`)));
    expect(manual.server.metrics()).toMatchObject({ requests: requests + 8, staleNonces: staleNonces + 2 });
  });

  it("comes after a newer change, which is told as ever", async () => {
    const { streams, set, acknowledged, manual } = await settledFleet(delta);
    set("2");
    await Promise.resolve();
    const sent = streams.map((stream) => stream.take()!);
    answer(streams[0]!, sent[0]!);
    set("3");
    answer(streams[1]!, sent[1]!);
    await Promise.resolve();
    answer(streams[2]!, sent[2]!);
    manual.clock.advance(1);
    for (const stream of streams) {
      const next = stream.take()!;
      expect(next.texts).toEqual(NAMES.map((name) => `${name}|3`));
      answer(stream, next);
    }
    expect(acknowledged.slice(3).sort()).toEqual(["x 2", "x 3", "y 3", "z 3"]);
  });

  it("asks for more in other bytes, and refuses in others", async () => {
    const { streams, set } = await settledFleet(delta);
    set("2");
    await Promise.resolve();
    const [one, two, three] = streams.map((stream) => ({ stream, message: stream.take()! }));
    answer(one!.stream, one!.message);
    const more = delta ? { resourceNamesSubscribe: ["b"] } : { resourceNames: ["a"] };
    answer(two!.stream, two!.message, more);
    answer(three!.stream, three!.message, { errorDetail: { code: 3, message: "no" } });
    expect(two!.stream.take()?.texts).toEqual(delta ? ["b|2"] : undefined);
    set("1");
    await Promise.resolve();
    expect(one!.stream.take()!.texts).toEqual(["a|1", "b|1"]);
  });
});
