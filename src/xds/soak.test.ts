/**
 * Clients that subscribe, unsubscribe, accept, refuse, are slow, go away and come back in every order, while the view changes: each has to
 * end up with what a model says. `TRIMTAB_SOAK` operations (60 000; 200 000 for a long run), `TRIMTAB_SEED` to repeat a run.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import type { XdsResource } from "./index.ts";
import { DRAIN_MS, SEARCH_AGAIN_MS } from "./limits.ts";
import { CLUSTER, ENDPOINT, FULL_STATE_TYPES, fleet, LISTENER, NODE, naming, ROUTE, resource } from "./testing.ts";
import { createRandom, type Random } from "./testingRandom.ts";
import { type ManualServer, type ManualStream, type Message, manualServer } from "./testingTransport.ts";

const OPERATIONS = Number(process.env.TRIMTAB_SOAK ?? 60_000);
const SEED = Number(process.env.TRIMTAB_SEED ?? Date.now() % 2 ** 31);
const STREAMS = 50;
/** Operations between two looks at what everybody has. */
const ROUND = 4_000;
const TYPES = [CLUSTER, ENDPOINT, LISTENER, ROUTE];
const NAMES = Array.from({ length: 12 }, (_, index) => `n${index}`);
/** What a refusing client takes exception to. */
const BAD = "bad";
/** Longer than anything that the server waits for. */
const LONG_MS = Math.max(DRAIN_MS, SEARCH_AGAIN_MS) + 5_000;
/** Turns until nobody has anything more to say. */
const MAX_TURNS = 2_000;
/** Of the heap between the middle and the end of a run, without clients. */
const MAX_GROWTH_BYTES = 8 * 2 ** 20;

/** What a client wants of a type, and what it runs. */
interface Wanted {
  wildcard: boolean;
  readonly names: Set<string>;
  /** Content by name. */
  readonly has: Map<string, string>;
  /** State of the world: of the last accepted response. */
  version: string;
  nonce: string;
}

/** How a client takes a response with something bad in it: all of it, what is good (gRPC), or nothing (Envoy). */
const TEMPERS = ["meek", "picky", "strict"] as const;

interface SoakClient {
  readonly delta: boolean;
  readonly temper: (typeof TEMPERS)[number];
  stream: ManualStream | null;
  readonly types: Map<string, Wanted>;
  /** The next request is the stream's first. */
  isFirst: boolean;
}

function send(client: SoakClient, typeUrl: string, fields: object): void {
  client.stream?.send({ typeUrl, ...(client.isFirst ? { node: NODE } : {}), ...fields });
  client.isFirst = false;
}

function sotwRequest(client: SoakClient, typeUrl: string, fields: object = {}): void {
  const { wildcard, names, version, nonce } = client.types.get(typeUrl) as Wanted;
  const resourceNames = wildcard && names.size === 0 ? [] : [...(wildcard ? ["*"] : []), ...names];
  send(client, typeUrl, { resourceNames, versionInfo: version, responseNonce: nonce, ...fields });
}

/** Subscribes to a type on a new stream, saying what the client has. */
function begin(client: SoakClient, typeUrl: string): void {
  const wanted = client.types.get(typeUrl) as Wanted;
  wanted.nonce = "";
  if (!client.delta) {
    sotwRequest(client, typeUrl);
    return;
  }
  const versions = [...wanted.has].filter(([name]) => wanted.wildcard || wanted.names.has(name));
  send(client, typeUrl, {
    resourceNamesSubscribe:
      wanted.wildcard && wanted.names.size === 0 ? [] : [...(wanted.wildcard ? ["*"] : []), ...wanted.names],
    initialResourceVersions: Object.fromEntries(versions.map(([name, text]) => [name, versionOf(text)])),
  });
}

function versionOf(text: string): string {
  return text.slice(text.indexOf("|") + 1).slice(0, 16);
}

function connectClient(client: SoakClient, { open }: ManualServer): void {
  client.stream = open(client.delta);
  client.isFirst = true;
  for (const typeUrl of client.types.keys()) begin(client, typeUrl);
}

/** Only a stream on which nothing was asked for may be ended by the server. */
function wasEnded({ stream, types }: SoakClient): boolean {
  if (stream === null || stream.status === null) return false;
  if (types.size > 0 && !stream.status?.message.includes("no request came"))
    throw new Error(JSON.stringify(stream.status));
  return true;
}

function isBad(text: string): boolean {
  return text.includes(BAD);
}

/** Takes what came and answers it. */
function answer(client: SoakClient, message: Message): void {
  const { typeUrl, nonce, texts, removed } = message;
  const wanted = client.types.get(typeUrl);
  if (wanted === undefined) throw new Error(`${typeUrl} was not asked for`);
  const refused = client.temper === "meek" ? [] : texts.filter(isBad);
  wanted.nonce = nonce;
  if (refused.length === 0 || client.temper === "picky") {
    const good = client.temper === "meek" ? texts : texts.filter((text) => !isBad(text));
    if (!client.delta && FULL_STATE_TYPES.has(typeUrl)) {
      // Of what it refuses a client keeps what it had.
      const stays = new Set(refused.map((text) => text.split("|")[0]));
      for (const name of wanted.has.keys()) if (!stays.has(name)) wanted.has.delete(name);
    }
    for (const text of good) wanted.has.set(text.split("|")[0] as string, text);
    for (const name of removed) wanted.has.delete(name);
  }
  const error = refused.length === 0 ? {} : { errorDetail: { code: 3, message: `refused: ${refused.join()}` } };
  if (refused.length === 0) wanted.version = message.version;
  if (client.delta) send(client, typeUrl, { responseNonce: nonce, ...error });
  else sotwRequest(client, typeUrl, error);
}

function want(client: SoakClient, typeUrl: string, { name, random }: { name: string; random: Random }): void {
  const old = client.types.get(typeUrl);
  if (old === undefined) {
    const wildcard = FULL_STATE_TYPES.has(typeUrl) && random(2) === 0;
    client.types.set(typeUrl, {
      wildcard,
      names: new Set(wildcard ? [] : [name]),
      has: new Map(),
      version: "",
      nonce: "",
    });
    if (client.stream !== null) begin(client, typeUrl);
    return;
  }
  const { names, has } = old;
  const isNew = !names.has(name);
  if (isNew) names.add(name);
  else {
    names.delete(name);
    if (!old.wildcard) has.delete(name);
  }
  // An empty list means everything where the first one was empty, so such a client keeps to it.
  if (!client.delta && old.wildcard) {
    names.clear();
    return;
  }
  if (client.stream === null) return;
  if (client.delta) send(client, typeUrl, { [isNew ? "resourceNamesSubscribe" : "resourceNamesUnsubscribe"]: [name] });
  else sotwRequest(client, typeUrl);
}

/** What is wrong with what a client has; empty: nothing. */
function differences(client: SoakClient, view: ReadonlyMap<string, XdsResource>): string[] {
  const wrong: string[] = [];
  // What is refused, or what the node runs in its place, may name what is gone: that stays until nothing is refused.
  const keepsGone =
    client.temper !== "meek" && [...view.values()].some(({ bytes }) => isBad(Buffer.from(bytes).toString()));
  for (const [typeUrl, { wildcard, names, has }] of client.types) {
    const tellsGone = client.delta || FULL_STATE_TYPES.has(typeUrl);
    for (const name of NAMES) {
      if (!wildcard && !names.has(name)) continue;
      const there = view.get(`${typeUrl} ${name}`);
      const text = there === undefined ? undefined : Buffer.from(there.bytes).toString();
      if (text !== undefined && isBad(text) && client.temper !== "meek") continue;
      if (text === undefined && (!tellsGone || keepsGone)) continue;
      if (has.get(name) !== text)
        wrong.push(`${typeUrl.split(".").at(-1)} ${name}: has ${has.get(name)}, should have ${text}`);
    }
  }
  return wrong;
}

it(`every client ends up with what it should have, and nothing is left of it (seed ${SEED})`, {
  timeout: 300_000,
}, async () => {
  const random = createRandom(SEED);
  const manual = await manualServer();
  const edge = fleet(manual.server);
  const view = new Map<string, XdsResource>();
  const publish = (): void => edge.set(...view.values());
  publish();
  const clients = Array.from({ length: STREAMS }, (_, index): SoakClient => {
    const temper = TEMPERS[index % TEMPERS.length]!;
    return { delta: index % 2 === 0, temper, stream: null, types: new Map(), isFirst: true };
  });
  const one = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  let content = 0;

  function edit(): void {
    const typeUrl = one(TYPES);
    const name = one(NAMES);
    const key = `${typeUrl} ${name}`;
    if (random(4) === 0) view.delete(key);
    else {
      const made = resource(typeUrl, name, `${random(12) === 0 ? BAD : "v"}${content++}`);
      view.set(key, typeUrl === ROUTE || typeUrl === LISTENER ? naming(made, one(NAMES)) : made);
    }
    if (random(3) > 0) publish();
  }

  function step(): void {
    const client = one(clients);
    const what = random(20);
    if (client.stream === null || wasEnded(client) || what === 0) {
      client.stream?.close();
      client.stream = null;
      if (random(3) > 0) connectClient(client, manual);
    } else if (what < 5) want(client, one(TYPES), { name: one(NAMES), random });
    else if (what < 7) edit();
    else if (what === 7) manual.clock.advance(random(1500));
    else {
      const message = client.stream.take();
      if (message !== null) answer(client, message);
    }
  }

  /** Nothing is left to be refused. */
  function mend(): void {
    for (const [key, { typeUrl, name, bytes }] of view)
      if (isBad(Buffer.from(bytes).toString())) view.set(key, resource(typeUrl, name, `v${content++}`));
  }

  async function settle(): Promise<void> {
    if (random(2) === 0) mend();
    publish();
    for (const client of clients) if (client.stream === null || wasEnded(client)) connectClient(client, manual);
    for (let quiet = 0, turns = 0; quiet < 3; turns++) {
      if (turns > MAX_TURNS) throw new Error("the server does not come to rest");
      // Streams of a changed view are pumped in a microtask.
      await null;
      let took = 0;
      for (const client of clients)
        for (let message = client.stream?.take(); message; message = client.stream?.take(), took++)
          answer(client, message);
      manual.clock.advance(took === 0 ? LONG_MS : 20);
      quiet = took === 0 ? quiet + 1 : 0;
    }
  }

  let middle = 0;
  const gc = garbageCollector();
  const alone = async (): Promise<number> => {
    for (const client of clients) {
      client.stream?.close();
      client.stream = null;
    }
    await new Promise(setImmediate);
    gc();
    return process.memoryUsage().heapUsed;
  };
  for (let done = 0; done < OPERATIONS; done += ROUND) {
    for (let index = 0; index < ROUND; index++) {
      step();
      if (index % 16 === 0) await null;
    }
    await settle();
    const wrong = clients.flatMap((client, index) =>
      differences(client, view).map((text) => `${index} ${client.delta ? "delta" : "sotw"} ${client.temper}: ${text}`),
    );
    expect(wrong.slice(0, 10), `after ${done + ROUND} operations`).toEqual([]);
    if (middle === 0 && done * 2 >= OPERATIONS) middle = await alone();
  }
  const end = await alone();
  expect(manual.server.nodes()).toEqual([]);
  expect(end - middle).toBeLessThan(MAX_GROWTH_BYTES);
  await manual.server.close();
});

function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
