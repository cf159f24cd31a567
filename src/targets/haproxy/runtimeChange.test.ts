/** Which changes of a model are changes of a running HAProxy, as the renderer writes them. */
import { describe, expect, it } from "vitest";
import type { ClusterIr, EndpointIr, PortIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import type { RenderedFile, RuntimeChange } from "../target.ts";
import { haproxyTarget } from "./index.ts";
import { runtimeChange } from "./runtimeChange.ts";
import {
  cluster,
  fleet,
  forward,
  httpPort,
  noChanges,
  prefix,
  rulesOf,
  tcpPort,
  virtualHost,
} from "./testSupport/ir.ts";
import { filesOf } from "./testSupport/proxy.ts";

type Endpoint = Partial<EndpointIr>;

const check = { kind: "tcp", intervalMs: 100, timeoutMs: 100, rise: 2, fall: 3, port: null, initial: "down" } as const;
const probed = { healthCheck: { ...check, http: null, tcp: null, grpc: null } };
const hashed = { balance: { policy: "hash", key: { kind: "source" }, boundedLoad: null } } as const;
const web = httpPort(80, [virtualHost("a.test", rulesOf("r", [{ path: prefix("/"), action: forward("c") }]))]);
const tcp = tcpPort(81, "tcp", { split: [{ cluster: "c", weight: 1 }], idleTimeoutMs: 1_000 });

function files(
  endpoints: readonly Endpoint[],
  extra: Partial<ClusterIr> = {},
  ports: readonly PortIr[] = [web],
): readonly RenderedFile[] {
  const all = endpoints.map((endpoint, index) => ({
    address: "10.0.0.1",
    port: index + 1,
    weight: 1,
    state: "active" as const,
    priority: 0,
    ...endpoint,
  }));
  const ir = fleet({ ports, clusters: [{ ...cluster("c", []), ...extra, endpoints: all }] });
  return filesOf(finish(haproxyTarget.createRenderer().render(ir)));
}

/** Of the one backend: its servers as `name weight`, with what is special about them, and those that go. */
function told(change: RuntimeChange | null): readonly string[] {
  return (change?.backends ?? []).map(({ name, servers, gone }) => {
    const words = servers.map((server) =>
      [server.name, server.weight, ...(server.isDisabled ? ["disabled"] : []), ...(server.isNew ? ["new"] : [])].join(
        " ",
      ),
    );
    return [name, ...words, ...gone.map((server) => `${server.name} gone`)].join(", ");
  });
}

const two: readonly Endpoint[] = [{}, {}];
const pool = ["pool-max-conn", "-1", "pool-purge-delay", "5s"];

describe("in the running process", () => {
  it.each<[string, readonly Endpoint[], string]>([
    ["weights", [{}, { weight: 7 }], "c, 10.0.0.1:1 1, 10.0.0.1:2 7"],
    ["a drain", [{ state: "drain" }, {}], "c, 10.0.0.1:1 0, 10.0.0.1:2 1"],
    ["an endpoint that is down", [{}, { state: "down" }], "c, 10.0.0.1:1 1, 10.0.0.1:2 1 disabled"],
    ["one more", [{}, {}, {}], "c, 10.0.0.1:1 1, 10.0.0.1:2 1, 10.0.0.1:3 1 new"],
    ["another address", [{}, { port: 9 }], "c, 10.0.0.1:1 1, 10.0.0.1:9 1 new, 10.0.0.1:2 gone"],
    ["IPv6", [{}, { address: "::1" }], "c, 10.0.0.1:1 1, ::1:2 1 new, 10.0.0.1:2 gone"],
  ])("%s", (_, next, expected) => {
    expect(told(runtimeChange(files(two), files(next)))).toEqual([expected]);
    expect(haproxyTarget.effect(rendered(two), rendered(next))).toBe("runtime");
  });

  it("one less of three", () => {
    expect(told(runtimeChange(files([{}, {}, {}]), files(two)))).toEqual([
      "c, 10.0.0.1:1 1, 10.0.0.1:2 1, 10.0.0.1:3 gone",
    ]);
  });

  it("a new server has what the backend says of all its servers, and an id where the cluster hashes", () => {
    const [backend] = runtimeChange(files(two, probed), files([...two, {}], probed))?.backends ?? [];
    const own = ["check", "inter", "100ms", "rise", "2", "fall", "3", ...pool];
    expect(backend?.servers.map(({ words }) => words)).toEqual([own, own, own]);
    const [ring] = runtimeChange(files(two, hashed), files([...two, {}], hashed))?.backends ?? [];
    expect(ring?.servers[2]?.words).toEqual(["id", expect.stringMatching(/^\d+$/), ...pool]);
  });

  it("all backends of a cluster", () => {
    expect(told(runtimeChange(files(two, {}, [web, tcp]), files([{}, { weight: 2 }], {}, [web, tcp])))).toEqual([
      "c, 10.0.0.1:1 1, 10.0.0.1:2 2",
      "c.tcp.1000ms, 10.0.0.1:1 1, 10.0.0.1:2 2",
    ]);
  });

  it("what follows the servers of a rule's own backend, in whatever order", () => {
    const rules = Array.from({ length: 40 }, (_, index) => ({
      path: prefix(`/p${index}`),
      action: forward("c"),
      responseHeaders: { ...noChanges, set: [{ name: `x-${index}`, value: "1" }] },
    }));
    const port = httpPort(80, [virtualHost("a.test", rulesOf("r", rules))]);
    const change = runtimeChange(files(two, {}, [port]), files([...two, {}], {}, [port]));
    expect(change?.backends).toHaveLength(41);
    for (const { servers, gone } of change?.backends ?? []) {
      expect(servers.filter(({ isNew }) => isNew).map(({ name }) => name)).toEqual(["10.0.0.1:3"]);
      expect(gone).toEqual([]);
    }
  });
});

describe("maps", () => {
  const map = (path: string, text: string): readonly RenderedFile[] => [{ path, text, mode: 0o644 }];
  const found = (path: string, before: string, after: string) =>
    runtimeChange(map(path, before), map(path, after))?.maps;

  it("shares of one split are replaced as one", () => {
    const [before, after] = ["0:9 a\n10:99 b\n", "0:49 a\n50:99 b\n"];
    const entries = [
      { key: "0:49", value: "a" },
      { key: "50:99", value: "b" },
    ];
    for (const path of ["maps/web/split.shop.api.map", "maps/db/split.map"]) {
      expect(found(path, before, after)).toEqual([{ path, isWhole: true, entries }]);
    }
    for (const path of ["maps/web/split.0.map", "maps/web/split.1-from.map"]) {
      expect(found(path, before, after)).toBeUndefined();
    }
  });

  it("rules get other backends, each by itself; rules that come or go are a reload", () => {
    const path = "maps/web/backends.map";
    const entries = [{ key: "r/b", value: "cart:r:b" }];
    expect(found(path, "r/a c\nr/b d\n", "r/a c\nr/b cart:r:b\n")).toEqual([{ path, isWhole: false, entries }]);
    expect(found(path, "r/a c\nr/b d\n", "r/a c\n")).toBeUndefined();
    expect(found(path, "r/a c\nr/b d\n", "r/a c\nr/c d\n")).toBeUndefined();
    expect(found(path, "r/a c\n", "r/a d;e\n")).toBeUndefined();
  });

  it("no other map", () => {
    for (const name of ["prefix", "exact", "sites", "rows"]) {
      expect(found(`maps/web/${name}.map`, "a b\n", "a c\n")).toBeUndefined();
    }
    expect(found("changes/c/backends.map", "a b\n", "a c\n")).toBeUndefined();
  });

  it("with servers, in one change", () => {
    const split = (weight: number) =>
      tcpPort(81, "tcp", {
        split: [
          { cluster: "c", weight },
          { cluster: "d", weight: 1 },
        ],
        idleTimeoutMs: 1_000,
      });
    const render = (weight: number, endpoint: number): readonly RenderedFile[] => {
      const clusters = ["c", "d"].map((name) => ({ ...cluster(name, [[1, endpoint], 2]) }));
      return filesOf(finish(haproxyTarget.createRenderer().render(fleet({ ports: [split(weight)], clusters }))));
    };
    const change = runtimeChange(render(1, 1), render(3, 5));
    expect(change?.backends.map(({ name }) => name)).toEqual(["c.tcp.1000ms", "d.tcp.1000ms"]);
    expect(change?.maps.map(({ path }) => path)).toEqual(["maps/tcp/split.map"]);
  });
});

describe("certificates", () => {
  const own = (path: string, content: string, more: Partial<RenderedFile> = {}): readonly RenderedFile[] => [
    { path, text: content, mode: 0o600, ...more },
  ];
  const found = (path: string, content: string, more?: Partial<RenderedFile>) =>
    runtimeChange(own(path, "before"), own(path, content, more));

  it("a file with a chain and its key, with the references that delivery opens", () => {
    const secrets = ["sealed:privateKey:a:b"];
    const change = found("certificates/shop.pem", "after", { secrets });
    expect(change?.certificates).toEqual(own("certificates/shop.pem", "after", { secrets }));
    expect(found("certificates/shop.pem", "x".repeat(58_000))?.certificates).toHaveLength(1);
  });

  it("not their list, no authority or revocation list, and nothing that is longer than a command", () => {
    for (const path of ["certificates/web.list", "authorities/up.pem", "authorities/up.crl", "certificates/a/b.pem"])
      expect(found(path, "after")).toBeNull();
    expect(found("certificates/shop.pem", "x".repeat(64 * 1024))).toBeNull();
    expect(found("certificates/shop.pem", "x".repeat(61_000), { secrets: ["sealed:privateKey:a:b"] })).toBeNull();
    const many = (text: string) => Array.from({ length: 101 }, (_, at) => own(`certificates/c${at}.pem`, text)).flat();
    expect(runtimeChange(many("before"), many("after"))).toBeNull();
  });
});

describe("a reload", () => {
  it.each<[string, readonly RenderedFile[], readonly RenderedFile[]]>([
    ["the only endpoint gets a second", files([{}]), files(two)],
    ["the first backup", files(two), files([{}, { priority: 1 }])],
    ["a primary becomes a backup", files([{}, {}, { priority: 1 }]), files([{}, { priority: 1 }, { priority: 1 }])],
    ["another check", files(two), files(two, probed)],
    ["another policy, and a weight", files(two), files([{}, { weight: 3 }], { balance: { policy: "leastRequest" } })],
    ["another listener, and a weight", files(two, {}, [web, tcp]), files([{}, { weight: 3 }])],
  ])("%s", (_, before, after) => {
    expect(runtimeChange(before, after)).toBeNull();
    expect(runtimeChange(after, before)).toBeNull();
  });

  it("one more where a backend follows the probes of another: one less is none", () => {
    const [before, after] = [files(two, probed, [web, tcp]), files([...two, {}], probed, [web, tcp])];
    expect(runtimeChange(before, after)).toBeNull();
    expect(runtimeChange(after, before)?.backends).toHaveLength(2);
  });

  it("names exactly the backends whose lines differ, wherever they stand", () => {
    const configs = [0, 1, 2, 3].flatMap((one) => [0, 1, 2, 3].map((other) => [one, other]));
    // Of up to two servers each: none, the one, the other, both.
    const section = (name: number, servers: number): string =>
      `backend b${name} from x\n${[1, 2].map((at) => (servers & at ? `  server a:${at} a:${at} weight 1\n` : "")).join("")}`;
    const write = (shape: readonly number[]): string =>
      `global\n${shape.map((servers, name) => section(name, servers)).join("")}`;
    const asFiles = (text: string) => [{ path: "haproxy.cfg", text, mode: 0o644 }];
    for (const before of configs) {
      for (const after of configs) {
        const found = runtimeChange(asFiles(write(before)), asFiles(write(after)));
        const expected = [0, 1].filter((at) => before[at] !== after[at]).map((at) => `b${at}`);
        expect(found?.backends.map(({ name }) => name)).toEqual(expected);
      }
    }
  });

  const text = (server: string): readonly RenderedFile[] => [
    { path: "haproxy.cfg", text: `backend b from x\n${server}`, mode: 0o644 },
  ];

  it("words that HAProxy does not take for a new server, or reads by rules of its own", () => {
    const line = (words: string): string => `  server a:1 a:1 weight 1${words}\n`;
    expect(runtimeChange(text(""), text(line("")))?.backends).toHaveLength(1);
    for (const words of [" cookie a", " track c/a:1", " cookie 'a weight 1'"]) {
      expect(runtimeChange(text(""), text(line(words)))).toBeNull();
    }
    expect(
      runtimeChange(text(line(" cookie a")), text(line(" cookie a").replace("weight 1", "weight 2"))),
    ).not.toBeNull();
    expect(runtimeChange(text(line(" cookie a")), text(line(" cookie b")))).toBeNull();
    expect(runtimeChange(text(line(" x 'a'")), text(line(" x 'b'")))).toBeNull();
  });

  it("more servers than a process is told one by one", () => {
    const many = Array.from({ length: 5_000 }, () => ({}));
    expect(runtimeChange(files(many), files([...many.slice(1), { weight: 2 }]))).toBeNull();
  });
});

function rendered(endpoints: readonly Endpoint[]) {
  const own = files(endpoints);
  const generation = own.map(({ text }) => text).join("");
  return { kind: "files", files: own, generation, sockets: [] } as const;
}
