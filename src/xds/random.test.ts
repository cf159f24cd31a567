/** Random views, interleavings, refusals and reconnects, against a model of what Envoy does with what it gets. */
import { describe, expect, it } from "vitest";
import { DRAIN_MS } from "./limits.ts";
import { CLUSTER, ENDPOINT, fleet, LISTENER, NODE, naming, ROUTE, resource } from "./testing.ts";
import { type ManualServer, type ManualStream, type Message, manualServer } from "./testingTransport.ts";
import type { XdsResource } from "./types.ts";

/** More of them, from another start: `SEEDS=20000 FIRST_SEED=1001`. */
const FIRST_SEED = Number(process.env.FIRST_SEED ?? 1);
const SEEDS = Number(process.env.SEEDS ?? 1_000);
const TYPES = [CLUSTER, ENDPOINT, LISTENER, ROUTE];

const lines: string[] = [];
/** What happened, for the message of a failure. */
const trace = (...line: string[]): void => void lines.push(line.join(" "));

/** A small generator with a seed, so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const nameOf = (text: string): string => text.split("|")[0]!;
const versionOf = (text: string): string => text.slice(text.indexOf("|") + 1);
/** The clusters in the text of a listener or route. */
const clustersIn = (text: string): string[] => text.split(":")[1]!.split(",");

/** Refuses whatever comes with a resource whose text says `bad`; keeps what it has while it is disconnected. */
class Envoy {
  readonly has = new Map(TYPES.map((typeUrl) => [typeUrl, new Map<string, string>()]));
  /** Accepted clusters that wait for endpoints; a changed one serves as it was meanwhile. */
  readonly warming = new Set<string>();
  readonly usable = new Set<string>();
  private readonly versions = new Map<string, string>();
  private answers: object[] = [];
  private wanted = new Set<string>();
  private stream!: ManualStream;
  private readonly manual: ManualServer;
  private readonly delta: boolean;

  constructor(manual: ManualServer, delta: boolean) {
    this.manual = manual;
    this.delta = delta;
    this.connect();
  }

  connect(): void {
    this.answers = [];
    this.stream = this.manual.open(this.delta);
    this.wanted = new Set(this.has.get(CLUSTER)!.keys());
    for (const typeUrl of TYPES) {
      const names = this.names(typeUrl);
      if (typeUrl === ENDPOINT && names.length === 0) continue;
      const known = [...this.has.get(typeUrl)!].filter(([name]) => names.length === 0 || names.includes(name));
      const initialResourceVersions = Object.fromEntries(known.map(([name, text]) => [name, versionOf(text)]));
      const request = this.delta
        ? { resourceNamesSubscribe: names, initialResourceVersions }
        : { resourceNames: names, versionInfo: this.versions.get(typeUrl) ?? "" };
      this.stream.send({ node: NODE, typeUrl, ...request });
    }
  }

  disconnect(): void {
    this.stream.close();
  }

  private names(typeUrl: string): string[] {
    return typeUrl === ENDPOINT ? [...this.wanted] : typeUrl === ROUTE ? ["r"] : [];
  }

  private used(): string[] {
    return [LISTENER, ROUTE].flatMap((typeUrl) => [...this.has.get(typeUrl)!.values()].flatMap(clustersIn));
  }

  /** Takes one response. */
  act(): boolean {
    const message = this.stream.take();
    if (message === null) return false;
    const { typeUrl, nonce, texts, names } = message;
    trace("<-", typeUrl.split(".").at(-1)!, texts.join(" "), "-", message.removed.join());
    if (texts.some((text) => text.includes("bad"))) {
      const errorDetail = {
        code: 3,
        message: names.length % 2 === 0 ? "no" : `${nameOf(texts.find((text) => text.includes("bad"))!)}: no`,
      };
      this.answers.push({ typeUrl, responseNonce: nonce, errorDetail });
      return true;
    }
    const map = this.has.get(typeUrl)!;
    const full = !this.delta && (typeUrl === CLUSTER || typeUrl === LISTENER);
    const gone = full ? [...map.keys()].filter((name) => !names.includes(name)) : message.removed;
    this.versions.set(typeUrl, message.version);
    this.answers.push({ typeUrl, responseNonce: nonce });
    if (typeUrl === CLUSTER) this.takeClusters(message, gone);
    else if (typeUrl === ENDPOINT) this.takeEndpoints(texts);
    else {
      for (const name of gone) map.delete(name);
      for (const text of texts) this.takeUser(map, text);
    }
    return true;
  }

  private takeClusters({ texts }: Message, gone: readonly string[]): void {
    const map = this.has.get(CLUSTER)!;
    for (const name of gone) {
      if (this.used().includes(name)) throw new Error(`cluster ${name} was removed while in use`);
      for (const set of [map, this.usable, this.warming, this.has.get(ENDPOINT)!]) set.delete(name);
    }
    for (const text of texts) {
      if (map.get(nameOf(text)) === text) continue;
      map.set(nameOf(text), text);
      this.warming.add(nameOf(text));
    }
    const added = [...map.keys()].filter((name) => !this.wanted.has(name));
    const lost = gone.filter((name) => this.wanted.has(name));
    this.wanted = new Set(map.keys());
    if (added.length + lost.length === 0) return;
    const change = { resourceNamesSubscribe: added, resourceNamesUnsubscribe: lost };
    this.answers.push({ typeUrl: ENDPOINT, ...(this.delta ? change : {}) });
  }

  private takeEndpoints(texts: readonly string[]): void {
    for (const text of texts) {
      const name = nameOf(text);
      if (!this.has.get(CLUSTER)!.has(name)) continue;
      this.has.get(ENDPOINT)!.set(name, text);
      this.warming.delete(name);
      this.usable.add(name);
    }
  }

  private takeUser(map: Map<string, string>, text: string): void {
    const missing = clustersIn(text).filter((name) => !this.usable.has(name));
    if (missing.length > 0) throw new Error(`${text} came before cluster ${missing.join()} works`);
    map.set(nameOf(text), text);
  }

  /** Sends one answer or request. */
  answer(): boolean {
    const next = this.answers.shift() as { typeUrl: string } | undefined;
    if (next === undefined) return false;
    trace("->", JSON.stringify(next));
    this.stream.send({ ...next, ...(this.delta ? {} : { resourceNames: this.names(next.typeUrl) }) });
    return true;
  }
}

/** `bad`: listeners and routes may be bad. */
function randomView(pick: (below: number) => number, turn: number, bad: boolean): XdsResource[] {
  const names = ["a", "b", "c", "d", "e"].sort(() => pick(3) - 1).slice(0, 1 + pick(4));
  const content = (): string => (pick(2) === 0 ? "same" : `${turn}`);
  const user = (typeUrl: string, name: string): XdsResource => {
    const chosen = names.filter(() => pick(2) === 0);
    const clusters = chosen.length === 0 ? [names[0]!] : chosen;
    const text = `${bad && pick(4) === 0 ? "bad" : ""}${turn}:${clusters.join()}`;
    return naming({ ...resource(typeUrl, name, text), version: text }, ...clusters);
  };
  const listeners = ["l", "m", "n"].filter(() => pick(2) === 0);
  return [
    ...names.flatMap((name) => [resource(CLUSTER, name, content()), resource(ENDPOINT, name, content())]),
    ...(listeners.length === 0 ? ["l"] : listeners).map((name) => user(LISTENER, name)),
    user(ROUTE, "r"),
  ];
}

async function run(seed: number, delta: boolean): Promise<void> {
  lines.length = 0;
  const pick = generator(seed);
  const manual = await manualServer();
  const edge = fleet(manual.server);
  edge.set(...randomView(pick, 0, false));
  const envoy = new Envoy(manual, delta);
  for (let step = 1; step <= 80; step++) {
    const action = pick(20);
    if (action < 2) {
      const view = randomView(pick, step, true);
      trace("view", view.map((r) => `${r.bytes}`).join(" "));
      edge.set(...view);
    } else if (action === 2) {
      envoy.disconnect();
      for (let more = pick(3); more > 0; more--) edge.set(...randomView(pick, step * 100 + more, true));
      trace("reconnect");
      envoy.connect();
    } else if (action < 12) envoy.act();
    else envoy.answer();
    if (pick(3) > 0) await Promise.resolve();
  }
  const last = randomView(pick, 100, false);
  edge.set(...last);
  // What a reconnect left without its referrer goes after a second; what routes name that are gone and still asked for, later.
  for (const wait of [0, 1_000, 1_000, DRAIN_MS, 1_000]) {
    await Promise.resolve();
    while (envoy.act() || envoy.answer());
    manual.clock.advance(wait);
  }
  for (const typeUrl of TYPES) {
    const want = last.filter((entry) => entry.typeUrl === typeUrl).map((entry) => [entry.name, `${entry.bytes}`]);
    expect(envoy.has.get(typeUrl)).toEqual(new Map(want as [string, string][]));
  }
  expect([...envoy.warming]).toEqual([]);
  const [node] = manual.server.nodes();
  expect(node!.ackedRevision).toBe(edge.revision);
  for (const { nacked, kept } of node!.types) expect([nacked, kept]).toEqual([null, []]);
}

describe.each([{ delta: false }, { delta: true }])("random lives of an Envoy (delta: $delta)", ({ delta }) => {
  it("lose no cluster in use, name none that does not work, and end at the view", { timeout: 60 * SEEDS }, async () => {
    for (let seed = FIRST_SEED; seed <= SEEDS; seed++) {
      try {
        await run(seed, delta);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}\n${lines.slice(-70).join("\n")}`, { cause: error });
      }
    }
  });
});
