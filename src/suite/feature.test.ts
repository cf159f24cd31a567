/** The whole way over the real wire, in one process: HTTP in, xDS and files out, the way back in the API's own words. */
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  CLUSTER,
  connect,
  type Delta,
  ENDPOINT,
  LISTENER,
  ROUTE,
  type Seen,
  type TestClient,
  type TestStream,
} from "../xds/testing.ts";
import { type Plane, startPlane } from "./planeHarness.ts";

const NOT_FOUND = 5;
const MODEL = {
  fleets: [
    { name: "edge", proxy: "envoy" },
    { name: "legacy", proxy: "nginx" },
  ],
  listeners: [{ name: "web", fleets: ["edge", "legacy"], port: 8080, protocol: "HTTP" }],
  clusters: ["blue", "green"].map((name, index) => ({ name, endpoints: [{ address: "10.0.0.1", port: 80 + index }] })),
  routes: [route("shop", "blue"), route("blog", "green")],
};
const PORT = "http-0-0-0-0-8080";

let plane: Plane;
let client: TestClient;

beforeEach(async () => {
  plane = await startPlane();
  client = connect(plane.xdsAddress);
});

afterEach(async () => {
  expect(plane.failures).toEqual([]);
  client.close();
  await plane.close();
});

function route(name: string, cluster: string): { name: string } {
  const split = [{ cluster }];
  return { name, listeners: ["web"], hostnames: [`${name}.example`], rules: [{ split }] } as { name: string };
}

async function call(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(plane.url + path, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

/** An Envoy's delta stream: acknowledges everything, asks for the endpoints and routes that it hears of. */
interface Follower {
  readonly stream: TestStream;
  /** What it has by now, as `Cluster blue`. */
  has(): string[];
  /** Reads what comes; gives the last part of each type URL with names and removals. */
  next(): Promise<string>;
}

const short = (typeUrl: string): string => typeUrl.split(".").at(-1) as string;

function follow(fleet: string): Follower {
  const stream = client.stream({ delta: true, ads: true });
  const held = new Set<string>();
  const subscribed = new Set<string>();
  const send = (request: Delta): void => stream.send(request);
  const node = { id: "n1", cluster: fleet, userAgentName: "envoy" };
  send({ node, typeUrl: CLUSTER, resourceNamesSubscribe: ["*"] });
  send({ typeUrl: LISTENER, resourceNamesSubscribe: ["*"] });
  const take = (seen: Seen): void => {
    send({ typeUrl: seen.typeUrl, responseNonce: seen.nonce });
    for (const name of seen.names) held.add(`${short(seen.typeUrl)} ${name}`);
    for (const name of seen.removed) held.delete(`${short(seen.typeUrl)} ${name}`);
    const wanted = { [CLUSTER]: ENDPOINT, [LISTENER]: ROUTE }[seen.typeUrl];
    const names = seen.names.filter((name) => !subscribed.has(`${wanted} ${name}`));
    for (const name of names) subscribed.add(`${wanted} ${name}`);
    if (wanted !== undefined && names.length > 0) send({ typeUrl: wanted, resourceNamesSubscribe: names });
  };
  return {
    stream,
    has: () => [...held].sort(),
    async next() {
      const seen = await stream.next();
      take(seen);
      return [short(seen.typeUrl), ...[...seen.names].sort(), ...seen.removed.map((name) => `-${name}`)].join(" ");
    },
  };
}

const EVERYTHING = [
  "Cluster blue",
  "Cluster green",
  "ClusterLoadAssignment blue",
  "ClusterLoadAssignment green",
  `Listener ${PORT}`,
  `RouteConfiguration ${PORT}`,
];

/** A follower that has the whole model, acknowledged. */
async function settled(fleet = "edge"): Promise<Follower> {
  const follower = follow(fleet);
  while (follower.has().length < EVERYTHING.length) await follower.next();
  await follower.stream.silence();
  return follower;
}

test("a PUT of a model comes to the proxy; each change sends the changed type and resource only", async () => {
  expect((await call("PUT", "/v1/config", MODEL)).status).toBe(200);
  const { stream, has, next } = await settled();
  expect(has()).toEqual(EVERYTHING);

  const blue = { name: "blue", endpoints: [{ address: "10.0.0.9", port: 80 }] };
  expect((await call("PUT", "/v1/clusters/blue", blue)).status).toBe(200);
  expect(await next()).toBe("ClusterLoadAssignment blue");
  await stream.silence();

  await call("PUT", "/v1/clusters/blue", { ...blue, timeouts: { connect: "3s" } });
  expect(await next()).toBe("Cluster blue");
  // Envoy warms a changed cluster and waits for its endpoints, changed or not.
  expect(await next()).toBe("ClusterLoadAssignment blue");
  await stream.silence();

  await call("PUT", "/v1/routes/shop", route("shop", "green"));
  expect(await next()).toBe(`RouteConfiguration ${PORT}`);
  expect(stream.received.at(-1)?.resources[0]?.bytes.includes("shop.example")).toBe(true);
  // Nothing names it any more; it goes after the routes that did are acknowledged.
  expect(await next()).toBe("Cluster -blue");
  expect(await next()).toBe("ClusterLoadAssignment -blue");

  await call("PUT", "/v1/clusters/green", { ...MODEL.clusters[1], description: "no proxy needs to know" });
  await call("PUT", "/v1/routes/shop", route("shop", "green"));
  await stream.silence();

  expect((await call("DELETE", "/v1/routes/shop")).status).toBeLessThan(300);
  expect(await next()).toBe(`RouteConfiguration ${PORT}`);
  await stream.silence();
  expect((await call("GET", "/v1/fleets/edge/proxies")).body).toMatchObject({
    items: [{ nodeId: "n1", ackedRevision: plane.store.head().revision }],
  });
});

test("new clusters come before the routes that name them, and old ones go after", async () => {
  await call("PUT", "/v1/config", MODEL);
  const { next } = await settled();
  await call("POST", "/v1/config/apply", {
    clusters: [{ name: "red", endpoints: [{ address: "10.0.0.3", port: 1 }] }],
    routes: [route("shop", "red")],
  });
  expect(await next()).toBe("Cluster red");
  expect(await next()).toBe("ClusterLoadAssignment red");
  expect(await next()).toBe(`RouteConfiguration ${PORT}`);
  expect(await next()).toBe("Cluster -blue");
});

test("a deleted fleet: NOT_FOUND, nothing emptied, and again when the proxy comes back", async () => {
  await call("PUT", "/v1/config", MODEL);
  const { stream, has } = await settled();
  const seen = stream.received.length;
  const listener = { ...MODEL.listeners[0], fleets: ["legacy"] };
  await call("PUT", "/v1/config", { ...MODEL, fleets: [MODEL.fleets[1]], listeners: [listener] });
  const end = await stream.ended();
  expect(end.code).toBe(NOT_FOUND);
  expect(end.details).toContain('there is no fleet "edge"');
  expect(stream.received.length).toBe(seen);
  expect(has()).toEqual(EVERYTHING);

  const again = follow("edge").stream;
  expect((await again.ended()).code).toBe(NOT_FOUND);
  expect(again.received).toEqual([]);
  expect((await call("GET", "/v1/fleets/edge/proxies")).status).toBe(404);

  await call("PUT", "/v1/config", MODEL);
  expect((await settled()).has()).toEqual(EVERYTHING);
});

test("a fleet that still has proxies' listeners is not deleted by name alone; an empty PUT empties no proxy", async () => {
  await call("PUT", "/v1/config", MODEL);
  const { stream } = await settled();
  const seen = stream.received.length;
  expect((await call("DELETE", "/v1/fleets/edge")).body).toMatchObject({
    status: 422,
    errors: [{ code: "MODEL-REFERENCE", resource: "listeners/web", pointer: "/fleets/0" }],
  });
  await stream.silence();
  expect((await call("PUT", "/v1/config", {})).status).toBe(200);
  expect((await stream.ended()).code).toBe(NOT_FOUND);
  expect(stream.received.length).toBe(seen);
});

test("a refused write sends nothing, and the same model goes to files with the revision as it is", async () => {
  await call("PUT", "/v1/config", MODEL);
  const { stream } = await settled();
  const bad = await call("PUT", "/v1/clusters/blue", { name: "blue", endpoints: [], healthCheck: "gone" });
  expect(bad.status).toBe(422);
  await call("PUT", "/v1/healthChecks/up", { name: "up", type: "tcp" });
  const refused = await call("PUT", "/v1/clusters/blue", { name: "blue", endpoints: [], healthCheck: "up" });
  expect(refused.body).toMatchObject({
    errors: [{ code: "HC-ACTIVE-NGINX", fleet: "legacy", proxy: "nginx", pointer: "/healthCheck" }],
  });
  await stream.silence();

  const before = (await call("GET", "/v1/fleets/legacy/files")).body as { generation: string };
  await call("PUT", "/v1/routes/shop", route("shop", "green"));
  const after = (await call("GET", "/v1/fleets/legacy/files")).body as { generation: string; revision: number };
  expect(after.generation).not.toBe(before.generation);
  expect(after.revision).toBe(plane.store.head().revision);
  expect((await call("GET", "/v1/fleets/edge/files")).status).toBe(409);
});
