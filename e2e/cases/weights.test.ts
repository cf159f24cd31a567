/** A weighted split gives every proxy the same shares, within the sampling error. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { proxyNames } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { serve } from "../harness/serve.ts";
import { shares } from "../harness/shares.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const REQUESTS = 5_000;
const host = "weights.e2e.example";
let upstreams: Upstream[];

beforeAll(async () => {
  upstreams = await Promise.all(["weight-a", "weight-b", "weight-c"].map((name) => startEcho(name)));
  await serve({
    clusters: upstreams.map(({ name, port }) => cluster(name, port)),
    routes: [
      route(
        "weights",
        host,
        {
          matches: [{ path: { prefix: "/ninety" } }],
          split: [
            { cluster: "weight-a", weight: 90 },
            { cluster: "weight-b", weight: 10 },
          ],
        },
        {
          matches: [{ path: { prefix: "/three" } }],
          split: [
            { cluster: "weight-a", weight: 1 },
            { cluster: "weight-b", weight: 3 },
            { cluster: "weight-c", weight: 0 },
          ],
        },
      ),
    ],
  });
});

afterAll(async () => {
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

/** How many of `REQUESTS` may go beside the expected number: three standard deviations of a binomial sample. */
function tolerance(share: number): number {
  return 3 * Math.sqrt(REQUESTS * share * (1 - share));
}

describe.each(proxyNames)("%s", (proxy) => {
  it("splits 90 to 10 within three standard deviations of 5000 requests", { retry: 1 }, async () => {
    // One retry: a fair split is outside three standard deviations once in 370 runs, twice in a row once in 137 000.
    const counts = await shares(proxy, { host, path: "/ninety/x" }, REQUESTS);
    expect(Math.abs((counts["weight-b"] ?? 0) - REQUESTS * 0.1)).toBeLessThanOrEqual(tolerance(0.1));
    expect((counts["weight-a"] ?? 0) + (counts["weight-b"] ?? 0)).toBe(REQUESTS);
  });

  it("takes weights as relative shares, and 0 as nothing", { retry: 1 }, async () => {
    const counts = await shares(proxy, { host, path: "/three" }, REQUESTS);
    expect(Math.abs((counts["weight-b"] ?? 0) - REQUESTS * 0.75)).toBeLessThanOrEqual(tolerance(0.75));
    expect(counts["weight-c"] ?? 0).toBe(0);
  });
});
