/** Nodes that are told of a change together, beside nodes that are each the only one of a server: the same goes to both. */
import { describe, expect, it } from "vitest";
import { CLUSTER, ENDPOINT, fleet, LISTENER, NODE, naming, ROUTE, resource } from "./testing.ts";
import { createRandom, type Random } from "./testingRandom.ts";
import { type ManualServer, type ManualStream, type Message, manualServer } from "./testingTransport.ts";
import type { XdsResource } from "./types.ts";

const NODES = 3;
const STEPS = 100;
const SEEDS = Number(process.env.SEEDS ?? 3);
/** Some milliseconds a step, on a crowded machine. */
const PATIENCE_MS = 120_000;
const TYPES = [CLUSTER, ENDPOINT, LISTENER, ROUTE];
const NAMES = ["a", "b", "c"];

function open(manual: ManualServer, delta: boolean, id: string): ManualStream {
  const stream = manual.open(delta);
  const node = { ...NODE, id };
  for (const typeUrl of TYPES) {
    const names = typeUrl === ENDPOINT ? NAMES : typeUrl === ROUTE ? ["r"] : [];
    stream.send({ node, typeUrl, ...(delta ? { resourceNamesSubscribe: names } : { resourceNames: names }) });
  }
  return stream;
}

/** What a client makes of a response; nonces are the server's own. */
function answer(stream: ManualStream, delta: boolean, message: Message): void {
  const { typeUrl, nonce, texts, version } = message;
  const bad = texts.find((text) => text.includes("bad"))?.split("|")[0];
  const errorDetail = bad === undefined ? undefined : { code: 3, message: `"${bad}" is bad` };
  const names = typeUrl === ENDPOINT ? NAMES : typeUrl === ROUTE ? ["r"] : [];
  const state = delta ? {} : { resourceNames: names, versionInfo: version };
  stream.send({ typeUrl, responseNonce: nonce, ...state, ...(errorDetail === undefined ? {} : { errorDetail }) });
}

function randomView(random: Random, turn: number): XdsResource[] {
  const names = NAMES.filter(() => random(4) > 0);
  const content = (): string => ["same", "same", "other", `${turn}`, "same", "same", "same", `bad${turn}`][random(8)]!;
  const used = names[random(Math.max(1, names.length))] ?? "a";
  const route = `${random(3)}:${used}`;
  return [
    ...names.flatMap((name) => [resource(CLUSTER, name, content()), resource(ENDPOINT, name, random(2) ? "1" : "2")]),
    resource(LISTENER, "l", random(3) ? "1" : "2"),
    naming({ ...resource(ROUTE, "r", route), version: route }, used),
  ];
}

/** The order within a response is that of whoever was first sent it. */
function told(message: Message | null): object | null {
  if (message === null) return null;
  const { typeUrl, version, texts, removed } = message;
  return { typeUrl, version, texts: texts.toSorted(), removed: removed.toSorted() };
}

async function compare(seed: number, delta: boolean): Promise<void> {
  const random = createRandom(seed);
  const together = await manualServer();
  const alone = await Promise.all(Array.from({ length: NODES }, () => manualServer()));
  const fleets = [together, ...alone].map(({ server }) => fleet(server));
  const update = (turn: number): void => {
    const view = randomView(random, turn);
    for (const edge of fleets) edge.set(...view);
  };
  update(0);
  const pairs = alone.map((server, index) => [open(together, delta, `n${index}`), open(server, delta, `n${index}`)]);
  const act = ([one, other]: readonly ManualStream[]): boolean => {
    const [message, wanted] = [one!.take(), other!.take()];
    expect(told(message), `seed ${seed}`).toEqual(told(wanted));
    if (message === null || wanted === null) return false;
    answer(one!, delta, message);
    answer(other!, delta, wanted);
    return true;
  };
  for (let step = 1; step <= STEPS; step++) {
    const action = random(8);
    if (action < 2) update(step);
    else if (action < 4) {
      const time = random(2_000);
      for (const { clock } of [together, ...alone]) clock.advance(time);
    }
    // Mostly all of them take what there is.
    else if (action === 4) act(pairs[random(NODES)]!);
    else for (const pair of pairs) while (act(pair));
    await Promise.resolve();
  }
}

describe.each([{ delta: true }, { delta: false }])(
  "nodes that stand at the same point (delta: $delta)",
  ({ delta }) => {
    it("are sent what each of them would be sent alone", { timeout: PATIENCE_MS }, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) await compare(seed, delta);
    });
  },
);

describe("a change for many nodes", () => {
  it("goes to all in the same bytes, and what one of them refuses is taken back from that one alone", async () => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    const set = (content: string): void => edge.set(resource(CLUSTER, "a", content), resource(ENDPOINT, "a"));
    set("1");
    const streams = ["x", "y", "z"].map((id) => open(manual, true, id));
    const settle = async (): Promise<void> => {
      await Promise.resolve();
      for (const stream of streams)
        for (let next = stream.take(); next; next = stream.take()) answer(stream, true, next);
      manual.clock.advance(2_000);
    };
    for (let turn = 0; turn < 4; turn++) await settle();
    set("2");
    await Promise.resolve();
    const sent = streams.map((stream) => stream.take()!);
    expect(sent.map(({ nonce, texts }) => [nonce, ...texts])).toEqual(streams.map(() => [sent[0]!.nonce, "a|2"]));
    for (const stream of streams) expect(stream.take()!.texts).toEqual(["a|1"]);
    const [refused, ...accepted] = streams.map((stream, index) => ({ stream, message: sent[index]! }));
    const { typeUrl, nonce } = refused!.message;
    refused!.stream.send({ typeUrl, responseNonce: nonce, errorDetail: { code: 3, message: "no" } });
    for (const { stream, message } of accepted) answer(stream, true, message);
    set("1");
    await Promise.resolve();
    // It has that already.
    expect(streams.map((stream) => stream.take()?.texts)).toEqual([undefined, ["a|1"], ["a|1"]]);
  });

  it.each([{ first: "all" }, { first: "none" }])(
    "is not told to one that asks for nothing, $first first",
    async ({ first }) => {
      const manual = await manualServer();
      const edge = fleet(manual.server);
      edge.set(resource(LISTENER, "l"));
      const ask = (id: string, ...requests: object[]): ManualStream => {
        const stream = manual.open(true);
        for (const request of requests) {
          stream.send({ node: { ...NODE, id }, typeUrl: LISTENER, ...request });
          for (let next = stream.take(); next; next = stream.take())
            stream.send({ typeUrl: LISTENER, responseNonce: next.nonce });
        }
        return stream;
      };
      const wildcard = { resourceNamesSubscribe: ["*"] };
      const open = {
        all: () => ask("x", wildcard),
        none: () => ask("y", wildcard, { resourceNamesUnsubscribe: ["*"] }),
      };
      const [one, other] = first === "all" ? [open.all(), open.none()] : [open.none(), open.all()];
      edge.set(resource(LISTENER, "l", "2"));
      await Promise.resolve();
      const [all, none] = first === "all" ? [one, other] : [other, one];
      expect(all.take()!.texts).toEqual(["l|2"]);
      expect(none.take()).toBeNull();
    },
  );
});
