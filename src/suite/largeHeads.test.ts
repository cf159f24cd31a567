/**
 * The largest heads on real Envoy, nginx and HAProxy, together with the most that a rule may add to them: all three take them, and
 * the other side gets all of it.
 */
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProxyKind } from "../ir/index.ts";
import { MAX_ADDED_BYTES } from "../model/rules/headerSize.ts";
import { compileDocument, renderFleet } from "./modelFiles.ts";
import { ADDRESSES, type RunningProxy, startProxy } from "./sameBehaviour/proxies.ts";
import { close, exchange, freePort, listen, type Message, type Seen, upstreams } from "./sameBehaviour/wire.ts";

const KINDS: readonly ProxyKind[] = ["envoy", "nginx", "haproxy"];
/** What a client or an endpoint may send: bytes, where each field counts four more than its line has, and fields. */
const MAX_HEAD_BYTES = 60 * 1024;
const MAX_FIELDS = 1000;
/** Of one list of changes (schemas/route/headerChanges). */
const MAX_LIST = 32;
const LONGEST_VALUE = 1024;
/** HAProxy keeps so much of a buffer for itself. */
const SPARE_BYTES = 256;
/** Tells one request from another. */
const PROBE = "x-probe";

interface Setting {
  readonly name: string;
  readonly value: string;
}

const line = ({ name, value }: Setting): string => `${name}: ${value}\r\n`;
const sizeOf = (settings: readonly Setting[]): number => settings.reduce((sum, each) => sum + line(each).length, 0);

/** As few fields as hold the most that a rule may add, and as many. */
function additions(count: number): readonly Setting[] {
  const share = Math.floor(MAX_ADDED_BYTES / count);
  const names = Array.from({ length: count }, (_, index) => `x-own-${index}`);
  return names.map((name) => ({ name, value: "o".repeat(Math.min(share - name.length - 4, LONGEST_VALUE)) }));
}

/** HAProxy's smaller buffers hold so much beside a head (`bufferSizes.ts`), of which the rule has these. */
const LITTLE_BYTES = 3 * 1024;
const little: readonly Setting[] = Array.from({ length: 3 }, (_, index) => {
  const name = `x-little-${index}`;
  return { name, value: "o".repeat(LITTLE_BYTES / 3 - name.length - 8) };
});
const few = additions(8);
const many = additions(2 * MAX_LIST);
const changes = (settings: readonly Setting[]) => ({ set: settings.slice(0, MAX_LIST), add: settings.slice(MAX_LIST) });

/** A field of a large head has no more. */
const FIELD_BYTES = 8000;

const record = upstreams();
const running: RunningProxy[] = [];
/** Answers with a head of the size or the number of fields that the path asks for. */
const large = createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.once("data", (data) => {
    const [, kind = "", amount = "0"] = /^GET \/answer\/[a-z]+\/([a-z]+)\/(\d+)/.exec(data.toString("latin1")) ?? [];
    socket.end(`HTTP/1.1 200 OK\r\n${headOf(kind, Number(amount), ["Content-Length: 0\r\n"])}\r\n`);
  });
});
let port = 0;
/** Of a HAProxy that has small buffers, for its rules add little. */
let smallPort = 0;

/** Lines of so many bytes, or so many fields; with those that are there already. */
function headOf(kind: string, amount: number, own: readonly string[]): string {
  if (kind === "fields") {
    const lines = Array.from({ length: amount - own.length }, (_, index) => `x-${index}: a\r\n`);
    return [...lines, ...own].join("");
  }
  const name = (index: number): string => `x-${index}: `;
  const left = amount - own.join("").length - 4 * own.length;
  const count = Math.ceil(left / FIELD_BYTES);
  const value = (index: number): string => "a".repeat(Math.floor(left / count) - name(index).length - 6);
  const lines = [...own, ...Array.from({ length: count }, (_, index) => `${name(index)}${value(index)}\r\n`)];
  return lines.join("");
}

beforeAll(async () => {
  [port, smallPort] = [await freePort(Object.values(ADDRESSES)), await freePort(Object.values(ADDRESSES))];
  const upstream = await record.open("up", "answer");
  const largePort = await listen(large, "127.0.0.1");
  const rule = (prefix: string, cluster: string, more: object) => ({
    matches: [{ path: { prefix } }],
    split: [{ cluster }],
    ...more,
  });
  const kinds = [...KINDS, "small"];
  const { compiled, diagnostics } = compileDocument({
    fleets: kinds.map((name) => ({ name, proxy: proxyOf(name), bindAddress: ADDRESSES[proxyOf(name)] })),
    listeners: [
      { name: "web", fleets: KINDS, port, protocol: "HTTP" },
      { name: "small", fleets: ["small"], port: smallPort, protocol: "HTTP" },
    ],
    clusters: [
      { name: "up", endpoints: [{ address: "127.0.0.1", port: upstream }] },
      { name: "large", endpoints: [{ address: "127.0.0.1", port: largePort }] },
    ],
    routes: [
      {
        name: "a",
        listeners: ["web"],
        rules: [
          rule("/few", "up", { requestHeaders: changes(few) }),
          rule("/many", "up", { requestHeaders: changes(many) }),
          rule("/long", "up", {
            requestHeaders: changes(few),
            rewrite: { path: { prefix: `/${"p".repeat(1023)}` }, hostname: `${"h".repeat(60)}.test` },
          }),
          rule("/answer/few", "large", { responseHeaders: changes(few) }),
          rule("/answer/many", "large", { responseHeaders: changes(many) }),
        ],
      },
      {
        name: "b",
        listeners: ["small"],
        rules: [
          rule("/few", "up", { requestHeaders: changes(little) }),
          rule("/answer/few", "large", { responseHeaders: changes(little) }),
        ],
      },
    ],
  });
  if (compiled === null) throw new Error(JSON.stringify(diagnostics));
  for (const ir of compiled.fleets.values())
    running.push(await startProxy(ir.proxy, renderFleet(ir), ir.name === "small" ? smallPort : port));
});

const proxyOf = (fleet: string): ProxyKind => KINDS.find((kind) => kind === fleet) ?? "haproxy";

afterAll(async () => {
  for (const proxy of running) await proxy.stop();
  await record.stop();
  await close(large);
});

interface Size {
  readonly kind: "bytes" | "fields";
  readonly amount: number;
}

const FULL_BYTES = { kind: "bytes", amount: MAX_HEAD_BYTES - SPARE_BYTES } as const;
const FULL_FIELDS = { kind: "fields", amount: MAX_FIELDS } as const;
const SMALL = { kind: "fields", amount: 0 } as const;

async function ask(
  proxy: ProxyKind,
  path: string,
  { kind, amount, at = port }: Size & { readonly at?: number } = SMALL,
) {
  const probe = `${proxy}-${at}-${path}-${kind}-${amount}`;
  const own = ["Host: a.test\r\n", `${PROBE}: ${probe}\r\n`, "Connection: close\r\n"];
  const start = `GET ${path} HTTP/1.1\r\n`;
  const head = headOf(kind, Math.max(amount - (kind === "bytes" ? start.length : 0), own.length), own);
  const answer = await exchange({ address: ADDRESSES[proxy], port: at }, `${start}${head}\r\n`, { method: "GET" });
  return { answer, seen: record.take(probe)[0] };
}

const statusOf = ({ startLine }: Message): number => Number(startLine.split(" ")[1]);

function lacks(message: Message | Seen | undefined, settings: readonly Setting[]): readonly string[] {
  const fields = new Map(message?.fields);
  return settings.filter(({ name, value }) => fields.get(name) !== value).map(({ name }) => name);
}

test("what the rules add is the most that they may", () => {
  expect(sizeOf(few)).toBeLessThanOrEqual(MAX_ADDED_BYTES);
  expect(sizeOf(few)).toBeGreaterThan(MAX_ADDED_BYTES - few.length);
});

test.each([
  ["/few", few, FULL_BYTES],
  ["/few", few, FULL_FIELDS],
  ["/many", many, FULL_BYTES],
  ["/many", many, FULL_FIELDS],
  ["/long", few, FULL_BYTES],
] as const)("a request to %s with a full head: %#", async (path, settings, size) => {
  const all = await Promise.all(KINDS.map((proxy) => ask(proxy, path, size)));
  expect(all.map(({ answer }) => statusOf(answer))).toEqual([200, 200, 200]);
  expect(all.map(({ seen }) => lacks(seen, settings))).toEqual([[], [], []]);
});

test.each([
  ["few", few, FULL_BYTES],
  ["few", few, FULL_FIELDS],
  ["many", many, FULL_BYTES],
  ["many", many, FULL_FIELDS],
] as const)("an answer with a full head, to which the rule adds %s: %#", async (name, settings, { kind, amount }) => {
  const all = await Promise.all(KINDS.map((proxy) => ask(proxy, `/answer/${name}/${kind}/${amount}`)));
  expect(all.map(({ answer }) => statusOf(answer))).toEqual([200, 200, 200]);
  expect(all.map(({ answer }) => lacks(answer, settings))).toEqual([[], [], []]);
});

test.each([FULL_BYTES, FULL_FIELDS])(
  "HAProxy's smaller buffers hold a full head of $kind and what little rules add",
  async (size) => {
    const asked = await ask("haproxy", "/few", { ...size, at: smallPort });
    const answered = await ask("haproxy", `/answer/few/${size.kind}/${size.amount}`, {
      ...SMALL,
      at: smallPort,
    });
    expect([statusOf(asked.answer), statusOf(answered.answer)]).toEqual([200, 200]);
    expect([lacks(asked.seen, little), lacks(answered.answer, little)]).toEqual([[], []]);
  },
);
