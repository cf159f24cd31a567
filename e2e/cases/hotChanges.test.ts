/** Changes under load: HAProxy takes weights, states, addresses, moves of routes without a reload; neither it nor Envoy fails a request. */
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { e2e } from "../harness/context.ts";
import { coldKinds, type HotRun, hotKinds, type Series, startHotRun } from "../harness/hotChanges.ts";

/** Revisions with a change of each kind; `npm run bench:hot` makes a thousand. */
const HOT = 4;
const COLD = 1;
const EVERY_MS = 20;

let run: HotRun;

beforeAll(async () => {
  run = await startHotRun(await mkdtemp(join(e2e().workDir, "hot-")));
});
afterAll(() => run.close());

function failures({ rows }: Series): readonly string[] {
  return rows.flatMap(({ kind, proxy, keepAlive, fresh }) =>
    // nginx closes idle connections when it reloads: see docs/hot-changes.md.
    [...(proxy === "nginx" ? [] : keepAlive.reasons), ...fresh.reasons].map((reason) => `${kind}, ${proxy}: ${reason}`),
  );
}

it("weights, states, addresses, routes, splits: HAProxy's one process takes each of them", async () => {
  const series = await run.measure(hotKinds, HOT, EVERY_MS);
  expect(failures(series)).toEqual([]);
  for (const { keepAlive, fresh } of series.rows) expect(Math.min(keepAlive.sent, fresh.sent)).toBeGreaterThan(5);
  expect(series.haproxy).toEqual({ reloads: 0, runtimeChanges: HOT });
  expect(series.workers).toBe(1);
  expect(series.nginx.runtimeChanges).toBe(0);
});

it("another check: HAProxy reloads, and fails none either", async () => {
  const series = await run.measure(coldKinds, COLD, EVERY_MS);
  expect(failures(series)).toEqual([]);
  expect(series.haproxy).toEqual({ reloads: COLD, runtimeChanges: 0 });
});
