/** What is the same over HTTP/3 whatever the proxy is. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Line } from "./accessLog.ts";
import type { Answered } from "./http3.ts";
import { HOST, type Http3Site, PATIENCE_SECONDS, type PortName, TOLD } from "./http3Site.ts";
import { until } from "./process.ts";
import { headerValues } from "./rawHttp.ts";
import { receivedList } from "./serve.ts";
import type { Echo } from "./upstream.ts";

/** What differs in how it is looked for. */
export interface Looks {
  /** Lines of the access log about this path, written for some work. */
  readonly logged: (path: string, work: () => Promise<unknown>) => Promise<readonly Line[]>;
  /** Why the listener `taken` waits, as the status of its fleet tells it. */
  readonly takenReason: (socket: string) => string;
  /** What the fleet's status says of its listeners. */
  readonly waiting: () => Promise<readonly object[]>;
}

export const told = (answer: Answered): string | undefined => answer.headers.find(([name]) => name === "alt-svc")?.[1];
export const echoed = (answer: Answered): Echo => JSON.parse(answer.body) as Echo;

/** Fields of a head. */
export const fieldsOf = (count: number, value: string): (readonly [string, string])[] =>
  Array.from({ length: count }, (_, index) => [`x-${index}`, value]);

const BODIES: Readonly<Record<number, string>> = {
  200: "said",
  404: "404 Not Found\n",
  421: "421 Misdirected Request\n",
};

/** Tests of a site. */
export function itIsTheSame(site: () => Http3Site, looks: Looks): void {
  it("shows certificates by server name, and to nobody else", async () => {
    const rows: readonly (readonly [PortName, string | null, string | null])[] = [
      ["main", HOST, "wide"],
      ["main", "A.H3.Example", "wide"],
      ["main", "exact.h3.example", "exact"],
      ["main", "hole.h3.example", null],
      ["main", "passed.h3.example", null],
      ["main", "nobody.example", null],
      ["main", null, null],
      ["first", "exact.h3.example", "exact"],
      ["first", "nobody.example", "other"],
      ["first", null, "other"],
    ];
    const seen = rows.map(async ([port, name, shown]) => {
      const seconds = shown === null ? PATIENCE_SECONDS : undefined;
      return [port, name, (await site().open(port, name, { seconds }))?.shown ?? null] as const;
    });
    expect(await Promise.all(seen)).toEqual(rows);
  });

  it("answers of rules tell where it is, over TCP as over QUIC, unless a rule says otherwise", async () => {
    const { ports, overTcp, opened, get } = site();
    const main = `h3=":${ports.main}"; ma=86400`;
    const quick = `h3=":${TOLD}"; ma=86400`;
    const rows: readonly (readonly [PortName, string, string[], string?])[] = [
      ["main", "/said", [main]],
      ["main", "/moved", [main]],
      ["main", "/inside", [main]],
      ["main", "/nobody", [main]],
      ["main", "/clear", ["clear"]],
      ["main", "/cleared", ["clear"]],
      ["main", "/gone", []],
      ["main", "/said", [], "nobody.example"],
      ["main", "/said", [], "exact.h3.example"],
      ["quick", "/said", [quick]],
      ["quick", "/inside", [quick]],
    ];
    const connections = { main: await opened("main"), quick: await opened("quick") };
    for (const [port, path, expected, host = HOST] of rows) {
      // The endpoint's own is of a place that clients do not see.
      const headers = [["x-e2e", 'reply=Alt-Svc: h3=":9"']] as const;
      const answer = await overTcp(port, { path, host, headers: [...headers] });
      const overQuic = await get(connections[port as "main"], path, { authority: host, headers });
      const seen = overQuic.headers.flatMap(([name, value]) => (name === "alt-svc" ? [value] : []));
      expect([path, headerValues(answer, "alt-svc"), seen]).toEqual([path, expected, expected]);
    }
  });

  describe("requests", () => {
    let main: string;
    beforeAll(async () => {
      main = await site().opened("main");
    });

    it("reach endpoints as over TCP, with bodies both ways", async () => {
      const body = "x".repeat(100_000);
      const headers = [["x_dropped", "1"]] as const;
      const answer = await site().get(main, "/a%20b?c=d", { method: "POST", body, headers });
      const { method, path, body: received } = echoed(answer);
      expect([method, path, received.length]).toEqual(["POST", "/a%20b?c=d", body.length]);
      expect(receivedList(echoed(answer), "x-forwarded-proto")).toEqual(["https"]);
      expect(receivedList(echoed(answer), "x-forwarded-for")).toEqual(["127.0.0.1"]);
      expect(receivedList(echoed(answer), "x_dropped")).toEqual([]);
    });

    it.each([
      [HOST, 200],
      [`${HOST}:443`, 200],
      ["b.h3.example.", 200],
      ["exact.h3.example", 421],
      ["hole.h3.example", 421],
      ["passed.h3.example", 421],
      ["nobody.example", 404],
    ])("on a connection for a.h3.example for %s: %s", async (authority, status) => {
      const answer = await site().get(main, "/said", { authority });
      expect([answer.status, answer.body]).toEqual([status, BODIES[status]]);
    });

    it("are written down as of HTTP/3", async () => {
      const path = "/said/logged";
      expect(await looks.logged(path, () => site().get(main, path))).toEqual([
        { protocol: "HTTP/3", path, client_address: "127.0.0.1", tls_version: "TLSv1.3", tls_server_name: HOST },
      ]);
    });

    it("are a hundred at a time; more wait", async () => {
      const connection = await site().opened("main");
      const start = performance.now();
      const all = await Promise.all(
        Array.from({ length: 150 }, () => site().get(connection, "/", { headers: [["x-e2e", "slow=300"]] })),
      );
      expect(all.map(({ status }) => status)).toEqual(Array(150).fill(200));
      expect(performance.now() - start).toBeGreaterThan(600);
    });
  });

  it("clients have as long as the listener says for nothing", async () => {
    const { opened, get, client } = site();
    const idle = await opened("quick");
    const start = performance.now();
    const body = await get(idle, "/", {
      method: "POST",
      body: "x",
      unfinished: true,
      headers: [["content-length", "5"]],
    });
    expect(body.status).toBe(408);
    expect(performance.now() - start).toBeGreaterThan(900);
    await client.ended(idle);
    expect(performance.now() - start).toBeGreaterThan(1_800);
  });

  it("sessions are resumed for their name, and nothing is taken before the handshake is done", async () => {
    const { open, opened, get, client } = site();
    const before = await opened("main");
    expect(await client.takesEarly(before)).toBe(false);
    // Each of Envoy's workers resumes its own.
    await until(
      "a session is resumed",
      async () => (await open("main", HOST, { connection: "again", resumes: before }))?.resumed,
    );
    expect((await get("again", "/said")).status).toBe(200);
    const other = await open("main", "exact.h3.example", { resumes: before });
    expect(other).toMatchObject({ resumed: false, shown: "exact" });
  });

  it("a UDP port that somebody else has is told, and TCP serves meanwhile", async () => {
    const { place, ports, overTcp } = site();
    const reason = looks.takenReason(`${place.address}:${ports.taken}`);
    await until("it is told", async () => {
      expect(await looks.waiting()).toEqual([expect.objectContaining({ listener: "taken", reason })]);
      return true;
    });
    expect((await overTcp("taken", { path: "/said" })).status).toBe(200);
  });
}
