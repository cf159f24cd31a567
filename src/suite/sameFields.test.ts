/**
 * Every field name that means something to HTTP or to a proxy, matched and changed in every way that the model admits, on real
 * Envoy, nginx and HAProxy: what one admits, all do alike. And bodies and endpoint addresses at the edges of their types.
 */
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FIELD_NAMES } from "./arbitrary/values.ts";
import { compileDocument, renderFleet } from "./modelFiles.ts";
import { ADDRESSES, type RunningProxy, startProxy } from "./sameBehaviour/proxies.ts";
import { close, exchange, freePort, listen } from "./sameBehaviour/wire.ts";

const PROXIES = ["envoy", "nginx", "haproxy"] as const;
/** nginx answers them itself when a rule answers directly. */
const CONDITIONS = ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"];
const NAMES = [...FIELD_NAMES.filter((name) => !CONDITIONS.includes(name)), "X-Own"];
/** A container may have no IPv6. */
const HAS_IPV6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"));
const SPELLINGS = ["127.0.0.1", ...(HAS_IPV6 ? ["::1", "0:0:0:0:0:0:0:1", "0::0001"] : [])];
const WIDEST_BODY = "😀".repeat(4096);
const REPLY = "x-reply: ";
const TIMEOUT_MS = 60_000;

type Way = "present" | "exact" | "set" | "add" | "remove" | "setAnswer" | "addAnswer" | "removeAnswer";
const WAYS: readonly Way[] = ["present", "exact", "set", "add", "remove", "setAnswer", "addAnswer", "removeAnswer"];

function ruleOf(way: Way, name: string): object {
  const path = { prefix: `/${way}/${name}` };
  const respond = { status: 200, body: "matched" };
  if (way === "present") return { matches: [{ path, headers: [{ name, present: true }] }], respond };
  if (way === "exact") return { matches: [{ path, headers: [{ name, exact: "client" }] }], respond };
  const list = way.replace("Answer", "");
  const change = { [list]: [list === "remove" ? name : { name, value: "rule" }] };
  const field = way.endsWith("Answer") ? "responseHeaders" : "requestHeaders";
  return { matches: [{ path }], split: [{ cluster: "c0" }], [field]: change };
}

/** Answers with the request's field lines as its body, and with the field that `x-reply` holds. */
const upstream = () =>
  createServer((socket) => {
    let received = "";
    socket.on("error", () => socket.destroy());
    socket.on("data", (data) => {
      received += data.toString("latin1");
      if (!received.includes("\r\n\r\n")) return;
      const lines = received.split("\r\n\r\n")[0]?.split("\r\n").slice(1) ?? [];
      received = "";
      const reply = lines.find((line) => line.toLowerCase().startsWith(REPLY))?.slice(REPLY.length);
      const body = lines.join("\n");
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${reply === undefined ? "" : `${reply}\r\n`}\r\n${body}`,
      );
    });
  });

const servers = [upstream(), upstream()] as const;
const cases: { readonly way: Way; readonly name: string }[] = [];
const proxies: RunningProxy[] = [];
let port = 0;

function documentOf(rulesByRoute: readonly object[][], endpointPort: number): object {
  const clusters = SPELLINGS.map((address, index) => ({
    name: `c${index}`,
    endpoints: [{ address, port: endpointPort }],
  }));
  return {
    fleets: PROXIES.map((proxy) => ({ name: proxy, proxy, bindAddress: ADDRESSES[proxy] })),
    listeners: [{ name: "web", fleets: PROXIES, port, protocol: "HTTP" }],
    clusters,
    routes: rulesByRoute.map((rules, index) => ({ name: `r${index}`, listeners: ["web"], rules })),
  };
}

beforeAll(async () => {
  const endpointPort = await listen(servers[0], "127.0.0.1");
  if (HAS_IPV6) await listen(servers[1], "::1", endpointPort);
  port = await freePort(Object.values(ADDRESSES));
  const admitted = (rule: object): boolean => compileDocument(documentOf([[rule]], endpointPort)).compiled !== null;
  const rules = WAYS.map((way) => {
    const names = NAMES.filter((name) => admitted(ruleOf(way, name)));
    cases.push(...names.map((name) => ({ way, name })));
    return names.map((name) => ruleOf(way, name));
  });
  const spellings = SPELLINGS.map((_, index) => ({
    matches: [{ path: { prefix: `/to/${index}` } }],
    split: [{ cluster: `c${index}` }],
  }));
  const body = { matches: [{ path: { prefix: "/body" } }], respond: { status: 200, body: WIDEST_BODY } };
  const { compiled, diagnostics } = compileDocument(documentOf([...rules, [...spellings, body]], endpointPort));
  if (compiled === null) throw new Error(JSON.stringify(diagnostics));
  const starts = [...compiled.fleets.values()].map(async (ir) => {
    proxies.push(await startProxy(ir.proxy, renderFleet(ir), port));
  });
  // Where one does not start, the others are still to be stopped.
  for (const start of await Promise.allSettled(starts)) if (start.status === "rejected") throw start.reason;
}, TIMEOUT_MS);

afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await Promise.all(servers.filter(({ listening }) => listening).map(close));
});

async function ask(proxy: (typeof PROXIES)[number], path: string, line = "") {
  const bytes = `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${line}Connection: close\r\n\r\n`;
  return exchange({ address: ADDRESSES[proxy], port }, bytes, { method: "GET" });
}

/** Status, and the values that the field has where the rule's effect shows; how they are spread over lines is left open. */
async function effect(proxy: (typeof PROXIES)[number], { way, name }: (typeof cases)[number]): Promise<string> {
  const answered = way.endsWith("Answer");
  const line = answered ? `X-Reply: ${name}: upstream\r\n` : `${name}: client\r\n`;
  const { startLine, fields, body } = await ask(proxy, `/${way}/${name}`, line);
  const status = startLine.split(" ")[1];
  if (way === "present" || way === "exact") return `${status}`;
  const lines = answered ? fields.map(([field, value]) => `${field}: ${value}`) : body.split("\n");
  const own = lines.filter((each) => each.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  const values = own.flatMap((each) => each.slice(name.length + 1).split(","));
  return `${status} ${values.map((value) => value.trim()).join()}`;
}

test("a field is matched and changed alike, whatever its name", { timeout: TIMEOUT_MS }, async () => {
  expect(cases.length).toBeGreaterThan(400);
  const wanted: Record<Way, string> = {
    present: "200",
    exact: "200",
    set: "200 rule",
    add: "200 client,rule",
    remove: "200 ",
    setAnswer: "200 rule",
    addAnswer: "200 upstream,rule",
    removeAnswer: "200 ",
  };
  const different: string[] = [];
  for (const each of cases) {
    const seen = await Promise.all(PROXIES.map((proxy) => effect(proxy, each)));
    if (seen.some((text) => text !== wanted[each.way])) different.push(`${each.way} ${each.name}: ${seen.join(" | ")}`);
  }
  expect(different).toEqual([]);
});

test.each(PROXIES)("%s gives a body of the most bytes, and reaches an endpoint by each spelling", async (proxy) => {
  const answer = await ask(proxy, "/body");
  expect(Buffer.from(answer.body, "latin1").toString("utf8")).toBe(WIDEST_BODY);
  const answers = await Promise.all(SPELLINGS.map((_, index) => ask(proxy, `/to/${index}`)));
  expect(answers.map(({ startLine }) => startLine.split(" ")[1])).toEqual(SPELLINGS.map(() => "200"));
});
