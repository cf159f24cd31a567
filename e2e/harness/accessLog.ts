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
function linesSince(file: string, from: number, isWanted: (line: Line) => boolean): Line[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").slice(from).split("\n").slice(0, -1);
  const parsed = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Line);
  return parsed.filter(isWanted);
}

/** Lines that are looked for. */
interface Wanted {
  readonly count: number;
  readonly isWanted: (line: Line) => boolean;
}

/** What the proxy writes for some work, of what is asked for: at least so many lines, which may take a moment. */
export function linesFor(proxy: string, wanted: Wanted, work: () => Promise<unknown>): Promise<Line[]> {
  return linesIn(fileOf(proxy), wanted, work);
}

/** The same of a file. */
export async function linesIn(
  file: string,
  { count, isWanted }: Wanted,
  work: () => Promise<unknown>,
): Promise<Line[]> {
  const from = existsSync(file) ? readFileSync(file, "utf8").length : 0;
  await work();
  await until(`${count} lines stand in ${file}`, async () =>
    linesSince(file, from, isWanted).length >= count ? true : null,
  );
  return linesSince(file, from, isWanted);
}
