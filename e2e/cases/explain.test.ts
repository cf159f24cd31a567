/** `trimtab explain` tells which rule takes a request and why the others lose, and agrees with what the proxies do. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { must } from "../harness/api.ts";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { scenario } from "../harness/model.ts";
import { cli } from "../harness/program.ts";
import { headerValues } from "../harness/rawHttp.ts";
import { ask, deadPort, serveScenario } from "../harness/serve.ts";
import { type Row, rows } from "../scenario/requests.ts";

beforeAll(serveScenario);

/** Requests that one line of fields cannot tell, or whose target is not a path, are not for explain. */
const explainable = rows.filter(
  ({ request }) =>
    request.host !== undefined &&
    request.path.startsWith("/") &&
    !(request.headers ?? []).some(([name]) => name === "Host"),
);

interface Told {
  readonly outcome: {
    readonly kind: "forward" | "redirect" | "respond" | "error";
    readonly split?: readonly { readonly cluster: string }[];
    readonly path?: string;
    readonly status?: number;
    readonly location?: string;
  };
  readonly rules: readonly {
    readonly route: string;
    readonly rule: string;
    readonly verdict: string;
    readonly reason: string;
  }[];
}

/** Requires that what was told is what the proxy did. */
async function agrees({ outcome }: Told, row: Row, proxy: ProxyName): Promise<void> {
  const answer = await ask(proxy, row.request);
  const why = `${proxy}, ${row.name}: told ${JSON.stringify(outcome)}, did ${answer.status} ${answer.echo?.name}`;
  if (outcome.kind === "forward") {
    const clusters = (outcome.split ?? []).map(({ cluster }) => cluster);
    if (answer.echo === null) {
      expect(answer.status, why).toBe(503);
      expect(
        clusters.every((name) => name === "dead" || name === "empty"),
        why,
      ).toBe(true);
    } else {
      expect(clusters, why).toContain(answer.echo.name);
      expect(outcome.path, why).toBe(answer.echo.path);
    }
    return;
  }
  expect(outcome.status, why).toBe(answer.status);
  expect(answer.echo, why).toBeNull();
  if (outcome.kind === "redirect") expect(headerValues(answer, "location"), why).toEqual([outcome.location]);
}

describe.each(proxyNames)("%s", (proxy) => {
  it.each(explainable)("POST /v1/explain: $name", async (row) => {
    const { method = "GET", host, path, headers = [] } = row.request;
    const { json } = await must(e2e().program.api, "POST /v1/explain", {
      body: { fleet: proxy, method, host, path, headers },
    });
    await agrees(json as Told, row, proxy);
  });
});

/** Name of a row -> the rule that must win. */
const five: readonly (readonly [string, string])[] = [
  ["exact beats prefix", "foo-exact"],
  ["header", "foo-bar-canary"],
  ["longest prefix wins", "abc-deep"],
  ["prefix does not take a longer element", "home"],
  ["redirect of a prefix", "moved-path"],
  ["encoded slash", ""],
];

describe("trimtab explain", () => {
  it.each(five)("%s", async (name, winner) => {
    const { ports, upstreams, workDir, program } = e2e();
    const file = join(workDir, "explain.yaml");
    await writeFile(file, stringify(scenario({ ports, upstreams, deadPort: deadPort() })));
    const row = rows.find((candidate) => candidate.name === name)!;
    const { method = "GET", host, path, headers = [] } = row.request;
    const fields = headers.flatMap(([field, value]) => ["--header", `${field}: ${value}`]);
    const compare = async (proxy: ProxyName): Promise<void> => {
      const args = ["--fleet", proxy, "--method", method, ...fields, "--json", "--url", `http://${host}${path}`];
      const offline = JSON.parse(await cli("explain", file, ...args)) as Told;
      await agrees(offline, row, proxy);
      const wins = offline.rules.filter(({ verdict }) => verdict === "wins").map(({ rule }) => rule);
      expect(wins).toEqual(winner === "" ? [] : [winner]);
      for (const { verdict, reason } of offline.rules) if (verdict !== "wins") expect(reason.length).toBeGreaterThan(5);
      const online = JSON.parse(await cli("explain", "--server", program.api, ...args)) as Told;
      expect(online).toEqual(offline);
    };
    await Promise.all(proxyNames.map(compare));
  });
});
