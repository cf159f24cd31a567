/**
 * UDP listeners on Envoy and nginx, on a port that TCP has too: a client stays at its endpoint while something else changes (on Envoy it
 * loses nothing, on nginx at most the answer that is under way), or each packet goes to another one. HAProxy's refusal says why.
 * The long form is `npm run bench:udp`.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, problemsOf } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import type { Document } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { applyPart, serve } from "../harness/serve.ts";
import { startUdpClient, startUdpEcho, type UdpClient, type UdpUpstream } from "../harness/udp.ts";

const CLIENTS = 200;
const PACKETS = 50;
/** Packets before the change elsewhere. */
const BEFORE = 25;
/** Changes elsewhere, each under so many packets; `npm run bench:udp` makes more. */
const CHANGES = Number(process.env.TRIMTAB_UDP_CHANGES ?? 1);
/** An answer on a busy machine takes less. */
const WAIT_MS = 5_000;

const passing = ["envoy", "nginx"] as const;
let upstreams: UdpUpstream[];

function listener(name: string, port: number, more: object = {}): Document {
  return { name, fleets: [...passing], port, protocol: "UDP", ...more };
}

function route(name: string, cluster: string): Document {
  return { name, listeners: [name], protocol: "udp", rules: [{ split: [{ cluster }] }] };
}

beforeAll(async () => {
  upstreams = await Promise.all(["udp-a", "udp-b"].map(startUdpEcho));
  const { ports } = e2e();
  const endpoints = upstreams.map(({ port }) => ({ address: "127.0.0.1", port }));
  await serve({
    listeners: [
      listener("sessions", ports.tcp),
      listener("packets", ports.tcp2, { udp: { balance: "packet" } }),
      { name: "same-port", fleets: [...passing], port: ports.tcp, protocol: "TCP" },
    ],
    clusters: [{ name: "udp", endpoints }],
    routes: [route("sessions", "udp"), route("packets", "udp")],
  });
  for (const proxy of passing)
    for (const port of [ports.tcp, ports.tcp2]) {
      await until("passes packets", async () => {
        const client = await startUdpClient({ address: e2e().proxies[proxy].address, port });
        const answer = await client.ask(200);
        client.close();
        return answer;
      });
    }
});

afterAll(() => {
  for (const upstream of upstreams) upstream.close();
});

interface Seen {
  readonly endpoints: Set<string>;
  lost: number;
}

/** Every client sends so many packets, one after the other; all clients at once. */
async function sendAll(clients: readonly UdpClient[], seen: readonly Seen[], packets: number): Promise<void> {
  await Promise.all(
    clients.map(async (client, index) => {
      const own = seen[index] as Seen;
      for (let sent = 0; sent < packets; sent++) {
        const name = await client.ask(WAIT_MS);
        if (name === null) own.lost += 1;
        else own.endpoints.add(name);
      }
    }),
  );
}

/** A client of each endpoint. */
async function clientsOn(place: { address: string; port: number }, ...names: string[]): Promise<UdpClient[]> {
  const found = new Map<string, UdpClient>();
  for (let tried = 0; tried < CLIENTS && found.size < names.length; tried++) {
    const client = await startUdpClient(place);
    const name = (await client.ask(WAIT_MS)) ?? "lost";
    if (names.includes(name) && !found.has(name)) found.set(name, client);
    else client.close();
  }
  return names.map((name) => found.get(name) as UdpClient);
}

describe("a session", () => {
  it(`of each of ${CLIENTS} clients keeps its endpoint, and its packets, while another route changes`, {
    timeout: 30_000 * CHANGES,
  }, async () => {
    for (const proxy of passing) {
      const place = { address: e2e().proxies[proxy].address, port: e2e().ports.tcp };
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => startUdpClient(place)));
      const seen: Seen[] = clients.map(() => ({ endpoints: new Set(), lost: 0 }));
      await sendAll(clients, seen, BEFORE);
      for (let change = 0; change < CHANGES; change++) {
        const hostnames = [`${proxy}-${change}.else.example`];
        const route = { name: `else-${proxy}`, listeners: ["web"], hostnames, rules: [{ respond: { status: 204 } }] };
        await Promise.all([sendAll(clients, seen, PACKETS - BEFORE), applyPart({ routes: [route] })]);
      }
      // The change is there for all workers.
      await sendAll(clients, seen, 1);
      for (const client of clients) client.close();
      // nginx passes no answer on that is under way at a reload: of each client one packet is.
      const mayLose = proxy === "nginx" ? CHANGES : 0;
      const moved = seen.filter(({ endpoints }) => endpoints.size > 1).length;
      const lost = seen.reduce((sum, each) => sum + each.lost, 0);
      if (CHANGES > 1)
        console.log(`${proxy}: ${lost} of ${CLIENTS * (BEFORE + CHANGES * (PACKETS - BEFORE) + 1)} packets lost`);
      const losing = seen.filter((each) => each.lost > mayLose).length;
      expect({ proxy, moved, losing }).toEqual({ proxy, moved: 0, losing: 0 });
      const first = seen.filter(({ endpoints }) => endpoints.has("udp-a")).length;
      // Both endpoints take part; five standard deviations of 200 fair tosses are 35.
      expect(Math.abs(first - CLIENTS / 2)).toBeLessThanOrEqual(35);
    }
  });
});

describe("per packet", () => {
  it("one client meets both endpoints", async () => {
    for (const proxy of passing) {
      const client = await startUdpClient({ address: e2e().proxies[proxy].address, port: e2e().ports.tcp2 });
      const seen: Seen = { endpoints: new Set(), lost: 0 };
      await sendAll([client], [seen], 20);
      client.close();
      expect({ proxy, ...seen }).toEqual({ proxy, endpoints: new Set(["udp-a", "udp-b"]), lost: 0 });
    }
  });
});

describe("an endpoint that drains", () => {
  it("gets nothing more, its sessions move", async () => {
    const places = passing.map((proxy) => ({ address: e2e().proxies[proxy].address, port: e2e().ports.tcp }));
    const held = await Promise.all(places.map((place) => clientsOn(place, "udp-a", "udp-b")));
    const [first, second] = upstreams.map(({ port }) => ({ address: "127.0.0.1", port }));
    await applyPart({ clusters: [{ name: "udp", endpoints: [{ ...first, state: "drain" }, second] }] });
    for (const [index, clients] of held.entries()) {
      const proxy = passing[index];
      const names = await Promise.all(clients.map((client) => client.ask(WAIT_MS)));
      expect({ proxy, names }).toEqual({ proxy, names: ["udp-b", "udp-b"] });
      for (const client of clients) client.close();
    }
  });
});

describe("HAProxy", () => {
  it("is told why it has no UDP", async () => {
    const body = { name: "refused", fleets: ["haproxy"], port: e2e().ports.tcp2, protocol: "UDP" };
    const answer = await call(e2e().program.api, "PUT /v1/listeners/refused", { body });
    expect(answer.status).toBe(422);
    expect(problemsOf(answer).map(({ code }) => code)).toEqual(["L4-UDP-HAPROXY"]);
  });
});
