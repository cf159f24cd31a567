/** Lines of the proxies' access logs. */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect } from "vitest";
import { e2e, proxyAddresses, proxyNames } from "./context.ts";
import type { Document } from "./model.ts";
import { until } from "./process.ts";

export type Line = Record<string, string | number>;

/** The test file that runs, whose logs are its own: a proxy may still have those of another one open. */
function fileOf(proxy: string): string {
  return proxy === "haproxy" ? e2e().proxies.haproxy.child.logFile : logFile(proxy);
}

/** Of a proxy by its fleet. */
export function logFile(fleet: string): string {
  return join(e2e().workDir, `${basename(expect.getState().testPath ?? "", ".test.ts")}-${fleet}.jsonl`);
}

/** Fleets that log, HAProxy's to its output. */
export function loggingFleets(more: object = {}): Document[] {
  return proxyNames.map((name) => {
    const accessLog = { ...(name === "haproxy" ? {} : { path: fileOf(name) }), ...more };
    return { name, proxy: name, bindAddress: proxyAddresses[name], accessLog };
  });
}

/** Lines since `from` that are asked for. Anything that begins like one is one, and has to be JSON. */
function linesSince(proxy: string, from: number, isWanted: (line: Line) => boolean): Line[] {
  const file = fileOf(proxy);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").slice(from).split("\n").slice(0, -1);
  const parsed = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Line);
  return parsed.filter(isWanted);
}

/** What the proxy writes for some work, of what is asked for: at least so many lines, which may take a moment. */
export async function linesFor(
  proxy: string,
  { count, isWanted }: { readonly count: number; readonly isWanted: (line: Line) => boolean },
  work: () => Promise<unknown>,
): Promise<Line[]> {
  const from = existsSync(fileOf(proxy)) ? readFileSync(fileOf(proxy), "utf8").length : 0;
  await work();
  await until(`${proxy} has written ${count} lines`, async () =>
    linesSince(proxy, from, isWanted).length >= count ? true : null,
  );
  return linesSince(proxy, from, isWanted);
}
