/**
 * `npm run bench:h2spec`: h2spec against the listeners of the three proxies, over TLS (ALPN) and in cleartext: as Trimtab renders
 * them, and bare with the proxy's own defaults. Printed: how many cases pass, and every case that some of them fails. Needs Go,
 * which builds h2spec into `.trimtab/bench-bin`.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FleetIr, ProxyKind } from "../src/ir/index.ts";
import { openedFiles } from "../src/secrets/index.ts";
import { CERTIFICATES } from "../src/suite/arbitrary/certificates.ts";
import { compileDocument, openSecret, renderFleet } from "../src/suite/modelFiles.ts";
import { ADDRESSES, startProxy } from "../src/suite/sameBehaviour/proxies.ts";
import { freePort } from "../src/suite/sameBehaviour/wire.ts";
import type { Rendered, RenderedResource } from "../src/targets/target.ts";
import { BARE } from "./http2/bare.ts";
import { startEndpoint } from "./http2/endpoint.ts";

/** The last one that the module proxy of Go has under this path. */
const H2SPEC = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible";
const PROXIES = ["envoy", "nginx", "haproxy"] as const;
/** Seconds that h2spec waits for an answer to a frame. */
const TIMEOUT_S = "2";
const { exampleEcdsa } = CERTIFICATES;

const bin = join(import.meta.dirname, "../.trimtab/bench-bin");
const h2spec = join(bin, "h2spec");
if (!existsSync(h2spec)) {
  mkdirSync(bin, { recursive: true });
  execFileSync("go", ["install", H2SPEC], { env: { ...process.env, GOBIN: bin }, stdio: "inherit" });
}

const endpoint = await startEndpoint();
const clear = await freePort(Object.values(ADDRESSES));
const tls = await freePort(Object.values(ADDRESSES));

const { compiled, diagnostics } = compileDocument({
  fleets: PROXIES.map((proxy) => ({ name: proxy, proxy, bindAddress: ADDRESSES[proxy] })),
  certificates: [{ name: "example", chain: exampleEcdsa.chain, privateKey: exampleEcdsa.privateKey }],
  listeners: [
    { name: "clear", fleets: PROXIES, port: clear, protocol: "HTTP", http: { http2: "only" } },
    {
      name: "tls",
      fleets: PROXIES,
      port: tls,
      protocol: "HTTPS",
      tls: { certificates: ["example"], unknownServerName: "first" },
    },
  ],
  clusters: [{ name: "one", endpoints: [{ address: "127.0.0.1", port: endpoint.port }] }],
  routes: [{ name: "all", listeners: ["clear", "tls"], rules: [{ split: [{ cluster: "one" }] }] }],
});
if (compiled === null) throw new Error(JSON.stringify(diagnostics));

/** With the private key in it. */
function opened(rendered: Rendered): Rendered {
  if (rendered.kind === "files") return { ...rendered, files: openedFiles(rendered.files, openSecret) };
  const open = (resource: RenderedResource): RenderedResource =>
    resource.opened === undefined ? resource : { ...resource, bytes: resource.opened(openSecret) };
  const resources = [...rendered.resources].map(
    ([type, all]) => [type, new Map([...all].map(([name, resource]) => [name, open(resource)]))] as const,
  );
  return { ...rendered, resources: new Map(resources) };
}

/** Cases by name, and whether they pass; those that are skipped are left out. */
type Outcome = ReadonlyMap<string, boolean>;

/** From h2spec's report in the form of JUnit. */
function run(address: string, port: number, more: readonly string[]): Outcome {
  const folder = mkdtempSync(join(tmpdir(), "trimtab-h2spec-"));
  const report = join(folder, "report.xml");
  try {
    spawnSync(h2spec, ["-h", address, "-p", String(port), "-o", TIMEOUT_S, "-j", report, ...more], { stdio: "ignore" });
    const outcome = new Map<string, boolean>();
    for (const [, head = "", rest = ""] of readFileSync(report, "utf8").matchAll(
      /<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
    )) {
      const attribute = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(head)?.[1] ?? "";
      if (rest.includes("<skipped")) continue;
      const name = `${attribute("package")} ${attribute("classname")}`;
      outcome.set(name, !rest.includes("<failure") && !rest.includes("<error"));
    }
    return outcome;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function both(proxy: ProxyKind, what: Parameters<typeof startProxy>[1]): Promise<readonly Outcome[]> {
  const running = await startProxy(proxy, what, clear);
  try {
    const address = ADDRESSES[proxy];
    return [run(address, clear, []), run(address, tls, ["-t", "-k"])];
  } finally {
    await running.stop();
  }
}

interface Tried {
  readonly title: string;
  readonly outcome: Outcome;
}

function passed({ outcome }: Tried): string {
  return `${[...outcome.values()].filter(Boolean).length} of ${outcome.size}`;
}

const keys = mkdtempSync(join(tmpdir(), "trimtab-h2spec-keys-"));
const certificate = join(keys, "certificate.pem");
writeFileSync(certificate, exampleEcdsa.chain + exampleEcdsa.privateKey, { mode: 0o600 });

const outcomes: Tried[] = [];
for (const proxy of PROXIES) {
  const ir = compiled.fleets.get(proxy) as FleetIr;
  const view = { address: ADDRESSES[proxy], clear, tls, endpoint: endpoint.port, certificate };
  const sides = { rendered: opened(renderFleet(ir)), bare: BARE[proxy](view) };
  for (const [side, what] of Object.entries(sides)) {
    const found = await both(proxy, what);
    for (const [index, outcome] of found.entries()) {
      const one = { title: `${proxy} ${side} ${index === 0 ? "h2c" : "h2"}`, outcome };
      outcomes.push(one);
      // The table comes at the end, minutes later.
      process.stderr.write(`${one.title}: ${passed(one)}\n`);
    }
  }
}
await endpoint.stop();
rmSync(keys, { recursive: true, force: true });

const row = (cells: readonly string[]): void => void process.stdout.write(`| ${cells.join(" | ")} |\n`);
row(["case", ...outcomes.map(({ title }) => title)]);
row(["---", ...outcomes.map(() => "---")]);
row(["pass", ...outcomes.map(passed)]);
const names = [...new Set(outcomes.flatMap(({ outcome }) => [...outcome.keys()]))];
for (const name of names) {
  if (outcomes.every(({ outcome }) => outcome.get(name) !== false)) continue;
  row([name, ...outcomes.map(({ outcome }) => ({ true: "pass", false: "fail" })[String(outcome.get(name))] ?? "-")]);
}
