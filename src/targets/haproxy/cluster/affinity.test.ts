/** Affinity by cookie on the real HAProxy: kept, bare or in quotes, made anew when it names nothing. */
import { afterEach, expect, it } from "vitest";
import { finish } from "../../../util/steps.ts";
import { affinityCookieValue as cookieValue } from "../../affinityCookie.ts";
import { haproxyTarget } from "../index.ts";
import { cluster, fleet, forward, httpPort, prefix, rulesOf, virtualHost } from "../testSupport/ir.ts";
import { ask, echoUpstream, filesOf, freePorts, portOf, startProxy } from "../testSupport/proxy.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Two endpoints behind a cookie; the last port is nobody's. */
async function serve() {
  const [port = 0, nobody = 0] = await freePorts(2);
  const ports: number[] = [];
  for (const name of ["a", "b"]) {
    const running = await echoUpstream(name);
    cleanups.push(() => running.close());
    ports.push(portOf(running));
  }
  const rules = rulesOf("r", [{ path: prefix("/"), action: forward("c") }]);
  const clusters = [cluster("c", ports, { affinity: { cookie: "SRV" } })];
  const rendered = finish(
    haproxyTarget.createRenderer().render(fleet({ ports: [httpPort(port, [virtualHost("a.test", rules)])], clusters })),
  );
  expect(await haproxyTarget.check(rendered)).toEqual({ ok: true, message: "" });
  const proxy = await startProxy(filesOf(rendered), port);
  cleanups.push(proxy.stop);
  const values = ports.map((own) => cookieValue({ address: "127.0.0.1", port: own }));
  return { port, values, nobody: cookieValue({ address: "127.0.0.1", port: nobody }) };
}

it("gives the value that Envoy gives", () => {
  expect(cookieValue({ address: "127.0.0.1", port: 22421 })).toBe("Cg8xMjcuMC4wLjE6MjI0MjE=");
  expect(Buffer.from(cookieValue({ address: "2001:db8::1", port: 80 }), "base64").toString()).toBe(
    "\n\u0010[2001:db8::1]:80",
  );
});

it("keeps a client on the endpoint that its cookie names, bare or in quotes, among other cookies", async () => {
  const { port, values } = await serve();
  const seen: (string | undefined)[] = [];
  for (let index = 0; index < 4; index++) {
    for (const value of [values[1], `"${values[1]}"`]) {
      const { headers } = await ask(port, "/", { headers: [`Cookie: xSRV="1"; x-SRV="Cg=="; SRV=${value}; z=2`] });
      expect(headers["set-cookie"]).toBeUndefined();
      seen.push(headers["x-up"] as string);
    }
  }
  expect(new Set(seen)).toEqual(new Set(["b"]));
});

it("takes an endpoint in turn, and says so, for a client without a cookie or with one that names no endpoint", async () => {
  const { port, values, nobody } = await serve();
  for (const cookie of [[], [`Cookie: SRV=${nobody}`], ['Cookie: SRV="']]) {
    const { status, headers } = await ask(port, "/", { headers: cookie });
    expect(status).toBe(200);
    const value = values[headers["x-up"] === "a" ? 0 : 1];
    expect(String(headers["set-cookie"])).toBe(`SRV=${value}; path=/; HttpOnly`);
  }
});
