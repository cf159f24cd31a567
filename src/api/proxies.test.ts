/** `GET /v1/fleets/{name}/proxies`: who is told of, in which shape. */
import { afterEach, expect, test } from "vitest";
import { model, startApi, type TestApi } from "./apiHarness.ts";

let t: TestApi;
let now = 0;
afterEach(() => t.close());

async function start(): Promise<void> {
  t = await startApi({ now: () => new Date(now) });
  await t.call("PUT", "/v1/config", { body: model });
  t.publisher.output = { fleet: "legacy", proxy: "nginx", revision: 6, generation: "g", files: [], sockets: [] };
  t.publisher.proxies = (fleet) => (fleet === "edge" || fleet === "legacy" ? [] : null);
}

const items = async (fleet = "legacy"): Promise<Record<string, unknown>[]> =>
  (await t.call("GET", `/v1/fleets/${fleet}/proxies`)).body.items;

test("who fetches files is told with what it was given, the latest first, and forgotten after a day", async () => {
  await start();
  now = 1000;
  await t.call("GET", "/v1/fleets/legacy/files", { headers: { "user-agent": "wget" } });
  now = 2000;
  await t.call("GET", "/v1/fleets/legacy/files?format=tar", { headers: { "user-agent": "c\u00fcrl".repeat(100) } });
  now = 3000;
  await t.call("GET", "/v1/fleets/legacy/files", { headers: { "user-agent": "wget", "if-none-match": '"g"' } });
  const told = { source: "poll", group: "legacy", address: "127.0.0.1", generation: "g", revision: 6 };
  expect(await items()).toEqual([
    { ...told, userAgent: "wget", polledAt: new Date(3000).toISOString(), hadIt: true },
    { ...told, userAgent: expect.stringMatching(/^.{200}$/), polledAt: new Date(2000).toISOString(), hadIt: false },
  ]);
  expect(await items("edge")).toEqual([]);
  now = 2000 + 24 * 60 * 60 * 1000;
  expect((await items()).map(({ userAgent }) => userAgent)).toEqual(["wget"]);
});

test("who fetches is bounded, and who was refused is not told of", async () => {
  await start();
  for (let count = 0; count < 150; count++) {
    now = count;
    await t.call("GET", "/v1/fleets/legacy/files", { headers: { "user-agent": `agent-${count}` } });
  }
  const names = (await items()).map(({ userAgent }) => userAgent);
  expect([names.length, names[0], names.at(-1)]).toEqual([100, "agent-149", "agent-50"]);
  t.publisher.output = null;
  await t.call("GET", "/v1/fleets/legacy/files", { headers: { "user-agent": "late" } });
  expect((await items()).map(({ userAgent }) => userAgent)).not.toContain("late");
});

test("every entry says where it is known from, in a shape of OpenAPI", async () => {
  await start();
  const stream = {
    nodeId: "n",
    group: "edge",
    peer: "",
    connectedAt: "",
    userAgent: "",
    ackedRevision: null,
    leaving: null,
    types: [],
  };
  t.publisher.proxies = () => [stream];
  const proxy = {
    nodeId: "dev-legacy",
    group: "legacy",
    proxy: "nginx",
    version: "1.22.1",
    agent: null,
    state: "serving",
    generation: "g",
    applied: "runtime",
    reloads: 1,
    runtimeChanges: 2,
    leaving: { processes: 0, endpoints: [{ endpoint: "10.0.0.7:8080", connections: 3 }] },
    revision: 6,
    since: new Date(0).toISOString(),
    wanted: { generation: "g", revision: 6 },
    lastError: null,
    listeners: [{ listener: "web", state: "serving", reason: null, since: new Date(0).toISOString() }],
    endpointsDown: [
      { cluster: "shop", address: "10.0.0.1", port: 80, reason: "status 500", since: new Date(0).toISOString() },
    ],
  } as const;
  t.publisher.fileProxies = () => [proxy];
  await t.call("GET", "/v1/fleets/legacy/files");
  const told = await items();
  expect(told.map(({ source }) => source)).toEqual(["xds", "agent", "poll"]);
  expect(told[1]).toEqual({ source: "agent", ...proxy });
  const { schemas } = (await t.call("GET", "/openapi.json")).body.components;
  const { mapping } = schemas.Proxies.properties.items.items.discriminator;
  for (const entry of told) {
    const schema = schemas[mapping[String(entry.source)].split("/").at(-1)];
    expect(Object.keys(entry).sort()).toEqual([...schema.required].sort());
    expect(schema.properties.source.enum).toEqual([entry.source]);
  }
  t.publisher.proxies = () => null;
  expect((await t.call("GET", "/v1/fleets/none/proxies")).status).toBe(404);
});
