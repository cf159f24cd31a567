/** Fleets that pull, as files: what an Envoy would get by xDS, and a bootstrap that needs no server. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { envoyBinary } from "../tooling/binaries.ts";
import { type Bench, MODEL, openBench } from "./cliHarness.ts";

let bench: Bench;
let out: string;
beforeEach(() => {
  bench = openBench();
  out = join(bench.dir, "out");
});
afterEach(() => bench.close());

const QUICKSTART = join(import.meta.dirname, "../../examples/quickstart.yaml");
const read = (...path: string[]) => JSON.parse(readFileSync(join(out, ...path), "utf8"));

test("a fleet's resources as JSON, messages inside of messages too; the real Envoy takes the bootstrap", async () => {
  const { code, out: text, err } = await bench.run("render", QUICKSTART, "--fleet", "edge-envoy", "-o", out);
  expect([code, err]).toEqual([0, ""]);
  expect(text).toMatch(/^edge-envoy: 5 files in /);
  expect(readdirSync(out)).toEqual(["edge-envoy"]);
  const [listener] = read("edge-envoy", "listeners.json").resources;
  expect(listener).toMatchObject({
    "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    address: { socketAddress: { address: "127.0.0.11", portValue: 8080 } },
  });
  expect(JSON.stringify(listener)).toContain("envoy.extensions.filters.http.router.v3.Router");
  expect(JSON.stringify(listener)).not.toMatch(/"value":"[A-Za-z0-9+/]{40,}/);
  const clusters = read("edge-envoy", "clusters.json").resources.map(({ name }: { name: string }) => name);
  expect(clusters).toEqual([...clusters].sort());
  expect(read("edge-envoy", "routes.json").resources).toHaveLength(1);
  expect(read("edge-envoy", "endpoints.json").resources).toHaveLength(clusters.length);
  expect(read("edge-envoy", "envoy.json").node).toEqual({ id: "edge-envoy", cluster: "edge-envoy" });
  const file = join(out, "edge-envoy", "envoy.json");
  const args = ["--mode", "validate", "--log-level", "warning", "-c", file];
  expect(() => execFileSync(envoyBinary(), args, { stdio: "pipe" })).not.toThrow();
});

test("written when it is asked for; the same model gives the same bytes, and no other render takes it away", async () => {
  const file = bench.file("m.yaml", MODEL);
  expect((await bench.run("render", file, "-o", out)).code).toBe(0);
  expect(readdirSync(out)).toEqual(["hap", "web1"]);
  expect((await bench.run("render", file, "-o", out, "--target", "envoy")).code).toBe(0);
  const first = readFileSync(join(out, "edge", "envoy.json"), "utf8");
  expect((await bench.run("render", file, "-o", out)).out).not.toContain("edge");
  expect((await bench.run("render", file, "-o", out, "--fleet", "edge", "--fleet", "hap")).code).toBe(0);
  expect(readFileSync(join(out, "edge", "envoy.json"), "utf8")).toBe(first);
  const renamed = bench.file("n.yaml", MODEL.replaceAll("edge", "rim"));
  expect((await bench.run("render", renamed, "-o", out)).out).toMatch(/^edge: not in the model, 5 files removed/m);
});

test("what a fleet was before it got another proxy is removed", async () => {
  const file = bench.file("m.yaml", MODEL);
  await bench.run("render", file, "-o", out, "--fleet", "edge");
  const other = bench.file("o.yaml", MODEL.replace("{name: edge, proxy: envoy}", "{name: edge, proxy: nginx}"));
  expect((await bench.run("render", other, "-o", out)).code).toBe(0);
  expect(readdirSync(join(out, "edge"))).toContain("nginx.conf");
  expect(readdirSync(join(out, "edge"))).not.toContain("envoy.json");
  expect((await bench.run("render", file, "-o", out)).out).toMatch(/^edge: not in the model, \d+ files removed/m);
});

test("a fleet that is not there; a model of such fleets only", async () => {
  const file = bench.file("m.yaml", MODEL);
  expect((await bench.run("render", file, "-o", out, "--fleet", "egde")).err).toBe(
    'trimtab: there is no fleet named "egde"; did you mean "edge"?\n',
  );
  const only = bench.file(
    "e.yaml",
    "fleets: [{name: edge, proxy: envoy}]\nlisteners: [{name: w, fleets: [edge], port: 80, protocol: HTTP}]\nroutes: [{name: r, listeners: [w], rules: [{respond: {status: 200}}]}]\n",
  );
  expect((await bench.run("render", only, "-o", out)).err).toMatch(
    /has no nginx or haproxy fleet; --fleet and --target write fleets that pull as JSON\n$/,
  );
});

test("an access log that is a file is one in the bootstrap too, which is run on the proxy's machine", async () => {
  const path = "/var/log/no-such-folder/edge.jsonl";
  const logged = `{name: edge, proxy: envoy, accessLog: {path: ${path}}}`;
  const file = bench.file("m.yaml", MODEL.replace("{name: edge, proxy: envoy}", logged));
  expect(await bench.run("render", file, "-o", out, "--fleet", "edge")).toMatchObject({ code: 0, err: "" });
  const loggers = JSON.stringify(read("edge", "envoy.json")).match(/"path":"[^"]*\.jsonl"|\/dev\/null/g);
  expect(new Set(loggers)).toEqual(new Set([`"path":"${path}"`]));
});
