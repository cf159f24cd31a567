/** The same requests, answered alike by all three proxies. */
import { beforeAll, describe, expect, it } from "vitest";
import { e2e, proxyNames } from "../harness/context.ts";
import { serveScenario } from "../harness/serve.ts";
import { problemsOf } from "../scenario/check.ts";
import { rows } from "../scenario/requests.ts";

beforeAll(serveScenario);

it("the table has at least the 40 requests that it is about, each named once", () => {
  expect(rows.length).toBeGreaterThanOrEqual(40);
  expect(new Set(rows.map((row) => row.name)).size).toBe(rows.length);
});

describe.each(proxyNames)("%s", (proxy) => {
  it.each(rows)("$name", async (row) => {
    const { proxies, ports } = e2e();
    expect(await problemsOf({ address: proxies[proxy].address, port: ports.http }, row)).toEqual([]);
  });
});
