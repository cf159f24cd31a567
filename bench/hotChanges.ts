/**
 * `npm run bench:hot -- [REVISIONS] [EVERY_MS]`: so many revisions, each with a change of each kind, on three proxies under load; default
 * 1 000, those that HAProxy reloads for one each 60 ms. Prints the tables of docs/hot-changes.md. Status 1 when Envoy or HAProxy fails a
 * request, or HAProxy reloads for what it can take without.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { coldKinds, type HotRun, hotKinds, type Kind, startHotRun } from "../e2e/harness/hotChanges.ts";

const REVISIONS = Number(process.argv[2] ?? 1_000);
const EVERY_MS = Number(process.argv[3] ?? 60);

/** False: a promise is broken. */
async function series(run: HotRun, kinds: readonly Kind[], everyMs: number): Promise<boolean> {
  const since = performance.now();
  const { rows, nginx, haproxy, workers } = await run.measure(kinds, REVISIONS, everyMs);
  const seconds = Math.round((performance.now() - since) / 1_000);
  console.log(`\n${REVISIONS} revisions with a change of each: ${kinds.join(", ")}; ${seconds} s\n`);
  console.log("| change | proxy | keep-alive: failed of | fresh: failed of |\n|---|---|---|---|");
  for (const { kind, proxy, keepAlive, fresh } of rows) {
    const failed = [keepAlive, fresh].map(({ failed: count, sent }) => `${count} of ${sent}`);
    console.log(`| ${[kind, proxy, ...failed].join(" | ")} |`);
    const reasons = [...new Set([...keepAlive.reasons, ...fresh.reasons])];
    if (reasons.length > 0) console.error(`${kind}, ${proxy}: ${reasons.join("; ")}`);
  }
  console.log(`\nnginx: ${nginx.reloads} reloads`);
  console.log(`HAProxy: ${haproxy.reloads} reloads, ${haproxy.runtimeChanges} changes without, ${workers} processes`);
  const hasReloaded =
    kinds.every((kind) => hotKinds.some((hot) => hot === kind)) && (haproxy.reloads > 0 || workers > 1);
  const failed = rows.filter(({ proxy, keepAlive, fresh }) => proxy !== "nginx" && keepAlive.failed + fresh.failed > 0);
  return !hasReloaded && failed.length === 0;
}

const folder = await mkdtemp(join(tmpdir(), "trimtab-hot-"));
const run = await startHotRun(folder);
try {
  const kept = [await series(run, hotKinds, 0), await series(run, coldKinds, EVERY_MS)];
  process.exitCode = kept.every(Boolean) ? 0 : 1;
} finally {
  await run.close();
  await rm(folder, { recursive: true, force: true });
}
process.exit();
