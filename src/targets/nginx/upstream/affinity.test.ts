/** Groups of endpoints that cookies name: who takes over, how many there may be, and the real nginx with them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EndpointIr } from "../../../ir/index.ts";
import { finish } from "../../../util/steps.ts";
import { affinityCookieValue } from "../../affinityCookie.ts";
import { nginxTarget } from "../index.ts";
import { cluster, fleet, forward, httpPort, rule, virtualHost } from "../testIr.ts";
import {
  type Answer,
  exchange,
  freePorts,
  type RunningNginx,
  request,
  startBackend,
  startNginx,
} from "../testNginx.ts";
import { endpointGroups, groupName, inspectAffinity } from "./affinity.ts";

const affinity = { cookie: "SRV" };
const place = (port: number, more: Partial<EndpointIr> = {}): EndpointIr => ({
  address: "127.0.0.1",
  port,
  weight: 1,
  state: "active",
  priority: 0,
  ...more,
});

describe("a group", () => {
  it("has a name of its own, with IPv6 too", () => {
    const c = cluster("c", []);
    expect(groupName(c, place(80))).toBe("c.127.0.0.1-80");
    expect(groupName(c, place(80, { address: "2001:db8::1" }))).toBe("c.2001-db8--1-80");
  });

  it("has the endpoint, then those after it; backups hardly ever while a primary serves", () => {
    const endpoints = [place(1), place(2, { weight: 3 }), place(3, { state: "drain" }), place(4, { priority: 1 })];
    const groups = finish(endpointGroups({ ...cluster("c", [], { affinity }), endpoints }));
    const servers = (index: number) =>
      groups[index]!.endpoints.map(({ port, weight, priority }) => `${port} ${weight}${priority > 0 ? " backup" : ""}`);
    expect(servers(0)).toEqual(["1 1", "2 768 backup", "4 1 backup"]);
    expect(servers(1)).toEqual(["2 1", "1 256 backup", "4 1 backup"]);
    expect(servers(2)).toEqual(["3 1", "1 256 backup", "2 768 backup", "4 1 backup"]);
    expect(servers(3)).toEqual(["4 1", "1 1 backup", "2 3 backup"]);
  });

  it("does not list all of a large cluster", () => {
    const c = cluster(
      "c",
      [...Array(100).keys()].map((index) => index + 1),
      { affinity },
    );
    const group = finish(endpointGroups(c))[97]!;
    expect(group.endpoints.map((endpoint) => endpoint.port)).toEqual([98, 99, 100, 1, 2, 3, 4, 5, 6]);
  });
});

it("there are so many groups at most; the largest cluster is named", () => {
  const ports = (count: number) => [...Array(count).keys()].map((index) => index + 1);
  const small = cluster("small", ports(1000), { affinity });
  const plain = cluster("plain", ports(1000));
  expect(inspectAffinity([small, plain, cluster("large", ports(1000), { affinity })])).toEqual([]);
  const [found] = inspectAffinity([small, plain, cluster("large", ports(1001), { affinity })]);
  expect(found).toMatchObject({ code: "STICKY-SCALE-NGINX", severity: "error", pointer: "/affinity/cookie/name" });
  expect(found?.resource).toEqual({ kind: "cluster", name: "large" });
  expect(found?.message).toContain("there are 2001");
});

describe("on the real nginx", () => {
  let nginx: RunningNginx;
  let port: number;
  let dead: readonly number[];
  const backends: Awaited<ReturnType<typeof startBackend>>[] = [];

  const ask = (path: string, cookie: string): Promise<Answer> =>
    exchange(port, request(`GET ${path}`, "a.test", [`Cookie: ${cookie}`]));
  const named = (own: number) => affinityCookieValue({ address: "127.0.0.1", port: own });

  beforeAll(async () => {
    for (const name of ["one", "two"]) backends.push(await startBackend(name));
    const [listen = 0, ...others] = await freePorts(3);
    [port, dead] = [listen, others];
    const [one = 0, two = 0] = backends.map((backend) => backend.port);
    const failing = { ...cluster("failing", dead, { affinity }) };
    const clusters = [
      { ...failing, endpoints: [...failing.endpoints, place(one, { priority: 1 })] },
      cluster("slow", [one, two], { affinity, connectTimeoutMs: 2000 }),
      cluster("plain", [one]),
    ];
    const rules = [
      rule("failing", "/failing", { action: forward("failing") }),
      // Different connect timeouts: the draw picks a location.
      rule("drawn", "/drawn", { action: forward({ slow: 1, plain: 1 }) }),
    ];
    const ir = fleet([httpPort("127.0.0.1", port, [virtualHost("a.test", rules)])], clusters);
    const rendered = finish(nginxTarget.createRenderer().render(ir));
    expect(await nginxTarget.check(rendered)).toEqual({ ok: true, message: "" });
    if (rendered.kind !== "files") throw new Error("nginx renders files");
    nginx = await startNginx(rendered.files, port);
  });
  afterAll(async () => {
    await nginx.stop();
    await Promise.all(backends.map((backend) => backend.stop()));
  });

  it("a client whose primary fails, with all others, gets the backup", async () => {
    for (const own of dead) {
      const answer = await ask("/failing", `SRV=${named(own)}`);
      expect(answer.status).toBe(200);
      expect(answer.header("set-cookie")).toBe(`SRV=${named(backends[0]!.port)}; Path=/; HttpOnly`);
    }
  });

  it("a draw among locations keeps its clients too", async () => {
    const bodies = new Set<string>();
    for (let sent = 0; sent < 20; sent++) {
      const answer = await ask("/drawn", `SRV=${named(backends[1]!.port)}`);
      expect(answer.header("set-cookie")).toBeUndefined();
      bodies.add(answer.body.split("\n")[0]!);
    }
    expect(bodies.size).toBe(2);
  });
});

it("locations that were rendered before are written anew when a cluster begins to keep its clients", () => {
  const { render } = nginxTarget.createRenderer();
  const ports = [httpPort("127.0.0.1", 8080, [virtualHost("a.test", [rule("r", "/", { action: forward("c") })])])];
  const of = (more: object) => finish(render(fleet(ports, [cluster("c", [1], more)])));
  const fresh = finish(nginxTarget.createRenderer().render(fleet(ports, [cluster("c", [1], { affinity })])));
  const [before, kept, after] = [of({}), of({ affinity }), of({})];
  expect(kept).toEqual(fresh);
  expect(after).toEqual(before);
  expect(kept).not.toEqual(before);
});
