/** Rules of one host that only a condition tells apart: the same cases asked of every proxy and of `explain`. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { must } from "./api.ts";
import { e2e, type ProxyName, proxyNames } from "./context.ts";
import { cluster, type Document, route } from "./model.ts";
import { ask, serve } from "./serve.ts";
import { startEcho, type Upstream } from "./upstream.ts";

/** A request, and the name of the rule that must take it; `none`: the rule without conditions. */
export interface ConditionRow {
  readonly path?: string;
  readonly headers?: readonly (readonly [string, string])[];
  /** The client's loopback address. */
  readonly source?: string;
  readonly taker: string;
  /** Proxies that are known to do something else, which the write warned of. */
  readonly except?: readonly ProxyName[];
}

/** What a file of cases gives. */
export interface ConditionCases {
  readonly field: string;
  readonly host: string;
  /** Rule name -> its match. Each answers with its name; the first in precedence order wins. */
  readonly rules: Readonly<Record<string, object>>;
  readonly rows: readonly ConditionRow[];
  /** What rules name besides. */
  readonly geoTables?: Document[];
}

/** Declares the tests. */
export function conditionCases({ field, host, rules, rows, geoTables = [] }: ConditionCases): void {
  let upstream: Upstream;

  beforeAll(async () => {
    upstream = await startEcho(`${field}-echo`);
    const split = [{ cluster: `${field}-echo` }];
    const own = Object.entries(rules).map(([name, match]) => ({
      name,
      matches: [match],
      split,
      responseHeaders: { set: [{ name: "X-Rule", value: name }] },
    }));
    const rest = { name: "none", split, responseHeaders: { set: [{ name: "X-Rule", value: "none" }] } };
    await serve({
      clusters: [cluster(`${field}-echo`, upstream.port)],
      geoTables,
      routes: [route(`${field}-conditions`, host, ...own, rest)],
    });
  });

  afterAll(() => upstream.close());

  const title = ({ path = "/", headers = [], source, taker }: ConditionRow): string =>
    `${path} ${JSON.stringify(headers)} ${source ?? ""} -> ${taker}`;

  describe.each(proxyNames)("%s", (proxy) => {
    const asked = rows.filter(({ except = [] }) => !except.includes(proxy));
    it.each(asked.map((row) => [title(row), row] as const))("%s", async (_title, row) => {
      const { path = "/", headers = [], source } = row;
      const answer = await ask(proxy, {
        host,
        path,
        headers: [...headers],
        ...(source === undefined ? {} : { source }),
      });
      expect(answer.status).toBe(200);
      expect(answer.headers.filter(([name]) => name.toLowerCase() === "x-rule")).toEqual([
        [expect.anything(), row.taker],
      ]);
      expect(answer.echo?.path).toBe(path);
    });
  });

  describe("explain", () => {
    it.each(rows.map((row) => [title(row), row] as const))("%s", async (_title, row) => {
      const { path = "/", headers = [], source } = row;
      const body = { fleet: "nginx", host, path, headers, ...(source === undefined ? {} : { source }) };
      const { json } = await must(e2e().program.api, "POST /v1/explain", { body });
      const winner = (json.rules as { rule: string; verdict: string }[]).find(({ verdict }) => verdict === "wins");
      expect(winner?.rule).toBe(row.taker);
    });
  });
}
