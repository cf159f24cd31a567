/**
 * What a client can agree on with each proxy's listener, asked by OpenSSL one offer at a time: the same on all three, and what
 * docs/tls.md says.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { e2e, type ProxyName, proxyAddresses, proxyNames } from "../harness/context.ts";
import { cluster } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { serve } from "../harness/serve.ts";
import { certificateMaker, shake } from "../harness/tls.ts";
import { type TlsReport, tlsReport } from "../harness/tlsReport.ts";

const PROFILES = ["intermediate", "modern"] as const;
type Profile = (typeof PROFILES)[number];

const serverName = "report.example";
const ports = {} as Record<Profile, number>;
const reports = {} as Record<Profile, Record<ProxyName, TlsReport>>;

beforeAll(async () => {
  const maker = certificateMaker(join(e2e().workDir, "tls-report"));
  for (const profile of PROFILES) ports[profile] = await freePort(...Object.values(proxyAddresses));
  const types = ["ecdsa", "rsa"] as const;
  await serve({
    certificates: types.map((key) => ({ name: key, ...maker.make(key, { names: `DNS:${serverName}`, key }) })),
    listeners: PROFILES.map((profile) => ({
      name: profile,
      fleets: [...proxyNames],
      port: ports[profile],
      protocol: "HTTPS",
      // The first is the default: nothing is written.
      tls: { certificates: [...types], ...(profile === PROFILES[0] ? {} : { profile }) },
    })),
    clusters: [cluster("inside", ports.modern)],
    routes: [
      {
        name: "any",
        listeners: [...PROFILES],
        rules: [{ matches: [{ path: { prefix: "/" } }], respond: { status: 200 } }],
      },
    ],
  });
  for (const profile of PROFILES) {
    const of = async (proxy: ProxyName): Promise<readonly [ProxyName, TlsReport]> => {
      const asked = { address: proxyAddresses[proxy], port: ports[profile], serverName };
      await until(`${proxy} ends TLS of ${profile}`, async () => {
        const done = await shake(asked);
        done?.socket.destroy();
        return done;
      });
      return [proxy, await tlsReport(asked)];
    };
    reports[profile] = Object.fromEntries(await Promise.all(proxyNames.map(of))) as Record<ProxyName, TlsReport>;
  }
});

it.each(PROFILES)("%s: the same on all proxies", (profile) => {
  const { envoy, nginx, haproxy } = reports[profile];
  expect({ nginx, haproxy }).toEqual({ nginx: envoy, haproxy: envoy });
});

it("docs/tls.md says what was found", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/tls.md"), "utf8");
  expect(page).toContain(table(reports.intermediate.nginx, reports.modern.nginx));
});

/** The rows of the page. */
function table(intermediate: TlsReport, modern: TlsReport): string {
  const text = (value: string | readonly string[]): string =>
    typeof value === "string" ? value : value.length === 0 ? "none" : value.map((one) => `\`${one}\``).join(", ");
  const rows: readonly (readonly [string, keyof TlsReport])[] = [
    ["versions", "versions"],
    ["suites of TLS 1.2, best first", "suites12"],
    ["suites of TLS 1.3", "suites13"],
    ["groups, TLS 1.2", "groups12"],
    ["groups, TLS 1.3", "groups13"],
    ["signatures, TLS 1.2", "signatures12"],
    ["signatures, TLS 1.3", "signatures13"],
    ["renegotiation", "renegotiation"],
    ["compression", "compression"],
    ["sessions are resumed by", "resumption"],
    ["bytes before the handshake is done (0-RTT)", "earlyData"],
  ];
  return rows.map(([title, key]) => `| ${title} | ${text(intermediate[key])} | ${text(modern[key])} |\n`).join("");
}
