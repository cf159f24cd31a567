import { expect, test } from "vitest";
import type { HttpPortIr, ListenerTlsIr, TlsServerIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import type { RenderedFiles } from "../target.ts";
import { haproxyTarget } from "./index.ts";
import { cluster, fleet, forward, httpPort, prefix, rulesOf, virtualHost } from "./testSupport/ir.ts";

const server: TlsServerIr = {
  ...{ scope: "*", certificates: ["a"], minVersion: "1.2", maxVersion: "1.3", cipherSuites: [], alpn: ["h2"] },
  serverNames: ["*.a.test"],
};
const scope = { hostname: "*", listener: "web", readsRequests: true, clientAuthentication: null };
const tls: ListenerTlsIr = { servers: [server], unknown: null, rejected: ["hole.a.test"], scopes: [scope] };
const told = { id: "quic-443", toldPort: 8443 };
const rules = rulesOf("r", [{ path: prefix("/"), action: forward("c") }]);

function render(more: Partial<HttpPortIr>): RenderedFiles {
  const port = httpPort(443, [virtualHost("*", rules)], { tls, ...more });
  const rendered = finish(
    haproxyTarget.createRenderer().render(fleet({ ports: [port], clusters: [cluster("c", [1])], version: "3.0.11" })),
  );
  if (rendered.kind !== "files") throw new Error("no files");
  return rendered;
}

test("a port has a second socket, which its file opens too", () => {
  const { sockets } = render({ http3: told });
  expect(sockets).toEqual([sockets[0], { ...sockets[0], transport: "udp" }]);
});

test("names that are not served over TCP, or passed on there, are excluded from the wildcards of QUIC's own list", () => {
  const listOf = (more: Partial<HttpPortIr>): string | undefined =>
    render({ http3: told, ...more }).files.find(({ path }) => path === "certificates/web.quic.list")?.text;
  const line = "certificates/a.pem [alpn h3 ssl-min-ver TLSv1.3 ssl-max-ver TLSv1.3] *.a.test !hole.a.test";
  expect(listOf({})).toBe(`${line}\n`);
  const passed = { routes: [], refused: ["passed.a.test"], helloTimeoutMs: 1_000 };
  expect(listOf({ passed })).toBe(`${line} !passed.a.test\n`);
});

test("to speak it or not is a change of sockets; another port that clients are told is a reload", () => {
  const [off, on, elsewhere] = [render({}), render({ http3: told }), render({ http3: { ...told, toldPort: 443 } })];
  expect(haproxyTarget.effect(off, on)).toBe("listenerDrain");
  expect(haproxyTarget.effect(on, off)).toBe("listenerDrain");
  expect(haproxyTarget.effect(on, elsewhere)).toBe("reload");
});
