import { describe, expect, it } from "vitest";
import type { FleetIr, PortIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import { effect } from "./effect.ts";
import { createRenderer } from "./render.ts";
import { cluster, fleet, forward, httpPort, rule, tcpPort } from "./testing.ts";

const ruleTo = (name: string) => rule("r.0.0", { path: "/", action: forward(name) });
const web = (name = "a", port = 8080) => httpPort(port, { "a.com": [ruleTo(name)] });
const raw = (weight: number) =>
  tcpPort(9000, [
    { cluster: "a", weight },
    { cluster: "b", weight: 1 },
  ]);
const clusters = [cluster("a", [1]), cluster("b", [2])];
const ports = (...list: PortIr[]) => fleet(list, clusters);
const between = ([before, after]: readonly [FleetIr, FleetIr]) => {
  const { render } = createRenderer();
  return effect(finish(render(before)), finish(render(structuredClone(after))));
};

describe("from one rendering to the next", () => {
  it.each<[string, readonly [FleetIr, FleetIr], string]>([
    ["nothing changed", [ports(web(), raw(1)), ports(web(), raw(1))], "none"],
    ["another route", [ports(web()), ports(web("b"))], "runtime"],
    ["a new listener", [ports(web()), ports(web(), raw(1))], "runtime"],
    ["other endpoints", [ports(web()), fleet([web()], [cluster("a", [3]), cluster("b", [2])])], "runtime"],
    ["a cluster gone", [ports(web()), fleet([web()], [cluster("a", [1])])], "runtime"],
    ["a listener gone", [ports(web(), raw(1)), ports(web())], "listenerDrain"],
    ["another port", [ports(web()), ports(web("a", 8081))], "listenerDrain"],
    ["other weights of a TCP listener", [ports(web(), raw(1)), ports(web(), raw(2))], "listenerDrain"],
  ])("%s", (_what, change, expected) => expect(between(change)).toBe(expected));

  it("certificates: one more for other names, another chain of one, and settings of all", () => {
    const server = (name: string, minVersion: "1.2" | "1.3" = "1.2") => ({
      ...{ serverNames: [`${name}.example`], scope: "*", certificates: [name], minVersion, maxVersion: "1.3" as const },
      ...{ cipherSuites: [], alpn: ["http/1.1"] },
    });
    const certificate = (name: string, chain = "chain\n"): FleetIr["certificates"][number] => {
      return { name, chain, privateKey: "key\n", serverNames: [`${name}.example`], keyType: "ecdsa" };
    };
    const secure = (
      servers: ReturnType<typeof server>[],
      { chain, http3 = false }: { readonly chain?: string; readonly http3?: boolean } = {},
    ): FleetIr => {
      const tls = {
        servers,
        unknown: null,
        rejected: [],
        scopes: [{ hostname: "*", clientAuthentication: null, listener: "web", readsRequests: true }],
      };
      const certificates = servers.map(({ certificates: [name = ""] }) => certificate(name, chain));
      const quic = { id: "quic-127-0-0-1-8080", toldPort: 8080 };
      return { ...fleet([{ ...web(), tls, http3: http3 ? quic : null }], clusters), certificates };
    };
    expect(between([secure([server("a")]), secure([server("a"), server("b")])])).toBe("runtime");
    expect(between([secure([server("a")]), secure([server("a")], { chain: "other\n" })])).toBe("runtime");
    expect(between([secure([server("a"), server("b")]), secure([server("a")])])).toBe("listenerDrain");
    expect(between([secure([server("a")]), secure([server("a", "1.3")])])).toBe("listenerDrain");
    const both = { http3: true };
    expect(between([secure([server("a")]), secure([server("a")], both)])).toBe("runtime");
    expect(between([secure([server("a")], both), secure([server("a"), server("b")], both)])).toBe("runtime");
    expect(between([secure([server("a")], both), secure([server("a")])])).toBe("listenerDrain");
  });

  it("nothing runs that could change", () => {
    expect(effect(null, finish(createRenderer().render(ports(web()))))).toBe("none");
  });
});
