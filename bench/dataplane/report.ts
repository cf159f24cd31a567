/** The table and the file. */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import type { ProxyName } from "./aims.ts";
import type { Part } from "./options.ts";
import { reports } from "./places.ts";
import type { Spread } from "./statistics.ts";

/** One row of the table. */
export interface Row {
  readonly part: Part;
  readonly proxy: ProxyName;
  readonly name: string;
  readonly unit: "kI" | "us" | "ms" | "MiB" | "";
  /** By what was measured: an expert's name, `generated`, a model's name. */
  readonly figures: Readonly<Record<string, Spread>>;
  /** Of the last figure to its anchor. */
  readonly ratio?: Spread;
  readonly anchor?: string;
  /** What the ratio may be; without one it is for reading. */
  readonly limit?: number;
}

const NAME_WIDTH = 18;
const FIGURE_WIDTH = 34;
const RATIO_WIDTH = 22;

/** Prints a row as soon as it is known. */
export function printRow(row: Row): void {
  const figures = Object.entries(row.figures)
    .map(([name, spread]) => `${name} ${spreadText(spread, 1)}`.padEnd(FIGURE_WIDTH))
    .join(" ");
  const ratio = row.ratio === undefined ? "" : `x${spreadText(row.ratio, 3)}`.padEnd(RATIO_WIDTH);
  const text = `${row.proxy.padEnd(8)} ${row.name.padEnd(NAME_WIDTH)} ${row.unit.padEnd(4)} ${figures} ${ratio}`;
  process.stdout.write(`${text} ${verdictText(row)}`.trimEnd().concat("\n"));
}

function spreadText({ median, low, high }: Spread, digits: number): string {
  return low === high
    ? median.toFixed(digits)
    : `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;
}

/** Whether a row keeps its limit; null without one. */
export function passes(row: Row): boolean | null {
  return row.limit === undefined || row.ratio === undefined ? null : row.ratio.median <= row.limit;
}

function verdictText(row: Row): string {
  const verdict = passes(row);
  return verdict === null ? "" : `${verdict ? "pass" : "FAIL"} (at most ${row.limit})`;
}

/** A heading with what the machine does at this moment. */
export function printHeading(text: string): void {
  const load = loadavg().map((value) => value.toFixed(2));
  process.stdout.write(`\n${text} (load ${load.join(" ")})\n`);
}

/** Writes all rows as JSON and says how many limits are kept; gives the number of those that are not. */
export function finishReport(rows: readonly Row[], started: Date): number {
  mkdirSync(reports, { recursive: true });
  const file = join(reports, `dataplane-${started.toISOString().replaceAll(":", "-").slice(0, 19)}.json`);
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version, load: loadavg() };
  const judged = rows.map((row) => ({ ...row, pass: passes(row) }));
  writeFileSync(file, `${JSON.stringify({ started, machine, rows: judged }, null, 2)}\n`);
  const failed = judged.filter(({ pass }) => pass === false).length;
  const kept = judged.filter(({ pass }) => pass === true).length;
  process.stdout.write(`\n${kept} aims met, ${failed} not; ${file}\n`);
  return failed;
}
