/** Calls of gRPC through each proxy: real clients and servers, all kinds of streams, and the same status for the same trouble. */
import { type AddressInfo, createServer, type Server } from "node:net";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import {
  type EchoClient,
  echoClient,
  HELD_KINDS,
  type Held,
  type HeldKind,
  type Outcome,
  reflectedServices,
} from "../harness/grpcClient.ts";
import { type GrpcEcho, startGrpcEcho } from "../harness/grpcEcho.ts";
import { route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { applyPart, deadPort, serve } from "../harness/serve.ts";

const host = "grpc.e2e.example";
/** Calls that are open while something else changes; `npm run bench:grpc` takes more of all these. */
const STREAMS = Number(process.env.TRIMTAB_GRPC_STREAMS ?? 120);
const CHANGES = Number(process.env.TRIMTAB_GRPC_CHANGES ?? 2);
const MESSAGE_BYTES = Number(process.env.TRIMTAB_GRPC_BYTES ?? 5 * 1024 * 1024);
/** Of a connection: what servers allow at least (RFC 9113, 6.5.2). */
const STREAMS_OF_A_CONNECTION = 100;
const TIMEOUT_MS = 600_000;
/** A rule's limit on a whole call. */
const REQUEST_MS = 300;

const BROKEN = "14 502 Bad Gateway";
/** The proxy ends a late call, or its server does, which is told the same deadline (`grpc-timeout`) and may be a moment earlier. */
const LATE = ["4 504 Gateway Timeout", "4 Deadline exceeded"];

let one: GrpcEcho;
let two: GrpcEcho;
/** Takes connections, and breaks them when something comes. */
let broken: Server;

beforeAll(async () => {
  [one, two] = await Promise.all([startGrpcEcho("one"), startGrpcEcho("two")]);
  broken = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.destroy());
  });
  await new Promise<void>((done) => broken.listen(0, "127.0.0.1", done));
  const dead = deadPort();
  await serve({
    listeners: [
      {
        name: "calls",
        fleets: [...proxyNames],
        port: e2e().ports.http2,
        protocol: "HTTP",
        http: { http2: "only" },
      },
    ],
    clusters: [
      of("one", one.port),
      of("two", two.port),
      of("half", dead, one.port),
      of("dead", dead, dead + 1),
      of("nobody"),
      of("broken", (broken.address() as AddressInfo).port),
      { ...of("full", one.port), limits: { maxRequests: 1 } },
    ],
    routes: [
      {
        name: "calls",
        listeners: ["calls"],
        hostnames: [host],
        protocol: "grpc",
        rules: [
          { matches: [{ grpc: echo }], split: [{ cluster: "one" }] },
          to("two", "two"),
          to("half", "half"),
          to("dead", "dead"),
          to("nobody", "nobody"),
          to("broken", "broken"),
          to("full", "full"),
          { ...to("held", "two"), timeouts: { idle: "1h" } },
          { ...to("quick", "one"), timeouts: { request: `${REQUEST_MS}ms` } },
          {
            ...to("changed", "one"),
            requestHeaders: { set: [{ name: "X-Set", value: "by the rule" }] },
            responseHeaders: { set: [{ name: "X-Answer", value: "by the rule" }] },
          },
          { matches: [{ grpc: { ...echo, method: "Spread" } }], split: [{ cluster: "two" }] },
          { matches: [{ grpc: { serviceRegex: ".*\\.Oth[a-z]+", methodRegex: "Un.*" } }], split: [{ cluster: "two" }] },
          { matches: [{ grpc: { serviceRegex: "grpc\\.reflection\\..*" } }], split: [{ cluster: "one" }] },
        ],
      },
    ],
  });
});

const echo = { service: "trimtab.e2e.Echo" };

/** Calls with `x-to`. */
function to(name: string, cluster: string) {
  return { matches: [{ grpc: echo, headers: [{ name: "x-to", exact: name }] }], split: [{ cluster }] };
}

function of(name: string, ...ports: readonly number[]) {
  return { name, protocol: "http2", endpoints: ports.map((port) => ({ address: "127.0.0.1", port })) };
}

afterAll(() => {
  one.close();
  two.close();
  broken.close();
});

function targetOf(proxy: ProxyName): string {
  return `${e2e().proxies[proxy].address}:${e2e().ports.http2}`;
}

/** Status and message. */
function toldBy({ code, details }: Outcome): string {
  return `${code} ${details}`;
}

describe.each(proxyNames)("%s", (proxy) => {
  let client: EchoClient;
  beforeAll(() => {
    client = echoClient(targetOf(proxy), host);
  });
  afterAll(() => client.close());

  it("passes messages, metadata and trailers both ways", async () => {
    const { code, answers, first, last } = await client.unary({ text: "é" }, { metadata: { "x-own": "1" } });
    expect([code, answers.map(({ text }) => text)]).toEqual([status.OK, ["é"]]);
    expect(first.get("x-server")).toEqual(["one"]);
    expect(last.get("x-trailer")).toEqual(["one"]);
    expect(last.get("x-trailer-bin")).toEqual([Buffer.from([0, 255, 10])]);
    expect(one.seen.at(-1)?.metadata).toMatchObject({ "x-own": "1", "x-forwarded-proto": "http" });
  });

  it("passes an error with its message and trailers", async () => {
    const outcome = await client.unary({ status: status.FAILED_PRECONDITION });
    expect(toldBy(outcome)).toBe("9 as asked: 100 % é");
    expect(outcome.last.get("x-trailer")).toEqual(["one"]);
  });

  it("streams from the client, from the server, and in turns", async () => {
    const collected = await client.collect([{}, {}, {}]);
    expect([collected.code, collected.answers[0]?.count]).toEqual([status.OK, 3]);
    const spread = await client.spread({ count: 3, delay: 10 });
    expect([spread.code, spread.answers.map(({ count }) => count)]).toEqual([status.OK, [0, 1, 2]]);
    expect(spread.first.get("x-server")).toEqual(["two"]);
    const talk = client.talk();
    await talk.say("a");
    await talk.say("b");
    talk.stream.end();
    expect((await talk.outcome).code).toBe(status.OK);
  });

  it("chooses by service, method, expressions and metadata", async () => {
    const servers = [
      client.unary({}),
      client.unary({}, { metadata: { "x-to": "two" } }),
      client.spread({}),
      client.other({}),
    ];
    const firsts = (await Promise.all(servers)).map(({ code, first }) => [code, first.get("x-server")[0]]);
    expect(firsts).toEqual([
      [status.OK, "one"],
      [status.OK, "two"],
      [status.OK, "two"],
      [status.OK, "two"],
    ]);
    const { first } = await client.unary({}, { metadata: { "x-to": "changed" } });
    expect(first.get("x-answer")).toEqual(["by the rule"]);
    expect(one.seen.at(-1)?.metadata).toMatchObject({ "x-set": "by the rule" });
  });

  it("passes messages beyond 4 MiB", async () => {
    const payload = Buffer.alloc(MESSAGE_BYTES, "trimtab ");
    const { code, answers } = await client.unary({ payload });
    expect([code, answers[0]?.payload.equals(payload)]).toEqual([status.OK, true]);
  });

  it("keeps the shorter of the client's deadline and the rule's limit", async () => {
    const late = { delay: 3 * REQUEST_MS };
    const [byClient, byRule] = await Promise.all([
      client.unary(late, { within: REQUEST_MS / 2, metadata: { "x-to": "quick" } }),
      client.unary(late, { within: 20 * REQUEST_MS, metadata: { "x-to": "quick" } }),
    ]);
    expect(byClient.code).toBe(status.DEADLINE_EXCEEDED);
    expect(LATE).toContain(toldBy(byRule));
    expect(one.seen.at(-1)?.deadline).not.toBe(Number.POSITIVE_INFINITY);
  });

  it("tells the server that its client gave up", async () => {
    const talk = client.talk();
    await talk.say("a");
    const call = one.seen.at(-1);
    talk.stream.cancel();
    expect((await talk.outcome).code).toBe(status.CANCELLED);
    await until("the server knows", async () => (call?.cancelled ? true : null));
  });

  it("lets clients ask what services there are", async () => {
    const services = await reflectedServices(targetOf(proxy), host);
    expect(services).toEqual(expect.arrayContaining(["trimtab.e2e.Echo", "trimtab.e2e.Other"]));
  });

  it("tries another endpoint when a connection cannot be made", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => client.unary({}, { metadata: { "x-to": "half" } })),
    );
    expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set([status.OK]));
  });

  it("tells its own errors by a status of gRPC", async () => {
    const elsewhere = echoClient(targetOf(proxy), "unknown.e2e.example");
    const told = async (name: string): Promise<string> =>
      toldBy(await client.unary({ delay: REQUEST_MS * 2 }, { metadata: { "x-to": name } }));
    const full = Array.from({ length: 3 }, () => told("full"));
    expect({
      "no host": toldBy(await elsewhere.unary({})),
      "no rule": toldBy(await client.unrouted({})),
      dead: await told("dead"),
      nobody: await told("nobody"),
      // HAProxy refuses the stream, and clients go on trying.
      broken: proxy === "haproxy" ? BROKEN : await told("broken"),
      late: LATE.includes(await told("quick")),
      full: (await Promise.all(full)).sort(),
    }).toEqual({
      "no host": "12 404 Not Found",
      "no rule": "12 404 Not Found",
      dead: "14 503 Service Unavailable",
      nobody: "14 503 Service Unavailable",
      broken: BROKEN,
      late: true,
      full: ["0 OK", "14 503 Service Unavailable", "14 503 Service Unavailable"],
    });
    elsewhere.close();
  });
});

const title = `${STREAMS} calls at each proxy, of each kind as many, stay open over ${CHANGES} changes elsewhere`;
it(title, { timeout: TIMEOUT_MS }, async () => {
  const clients: EchoClient[] = [];
  const calls: { readonly proxy: ProxyName; readonly call: Held }[] = [];
  const heldByServer = (): number => calls.filter(({ call: { kind } }) => kind === "unary" || kind === "spread").length;
  const areHeld = async (): Promise<void> => {
    await until("the calls are held", async () => (two.held.size() === heldByServer() ? true : null));
    const talks = calls.slice(-STREAMS_OF_A_CONNECTION).filter(({ call: { kind } }) => kind === "talk");
    await Promise.all(talks.map(({ call }) => call.step()));
  };
  for (const proxy of proxyNames) {
    for (let count = 0; count < STREAMS; count++) {
      if (count % STREAMS_OF_A_CONNECTION === 0) clients.push(echoClient(targetOf(proxy), host));
      const kind = HELD_KINDS[count % HELD_KINDS.length] as HeldKind;
      calls.push({ proxy, call: (clients.at(-1) as EchoClient).hold(kind, { metadata: { "x-to": "held" } }) });
      // All at once nginx would open as many connections to one server, which refuses some.
      if (count % STREAMS_OF_A_CONNECTION === STREAMS_OF_A_CONNECTION - 1) await areHeld();
    }
  }
  await areHeld();
  const lost: string[] = [];
  for (let change = 0; change < CHANGES; change++) {
    await applyPart({
      routes: [route("elsewhere", "other.e2e.example", { respond: { status: 200, body: `${change}` } })],
    });
    two.held.step();
    const steps = await Promise.allSettled(calls.map(({ call }) => call.step()));
    for (const [index, { proxy, call }] of calls.entries()) {
      const step = steps[index] as PromiseSettledResult<void>;
      if (step.status === "rejected") lost.push(`${proxy}, ${call.kind}, change ${change}: ${step.reason}`);
    }
  }
  for (const { call } of calls) call.end();
  two.held.release();
  const outcomes = await Promise.all(
    calls.map(async ({ proxy, call: { kind, outcome } }) => ({ proxy, kind, ...(await outcome) })),
  );
  for (const { proxy, kind, code, details, answers } of outcomes) {
    const told = kind === "collect" ? answers[0]?.count : answers.length;
    const due = { unary: 1, collect: CHANGES, spread: CHANGES, talk: null }[kind];
    if (code !== status.OK) lost.push(`${proxy}, ${kind}: ${code} ${details}`);
    else if (due !== null && told !== due) lost.push(`${proxy}, ${kind}: ${told} of ${due} messages`);
  }
  for (const client of clients) client.close();
  expect([lost.length, ...new Set(lost)]).toEqual([0]);
});
