/** `npm run bench:dataplane`: see README.md. */

import { casesPart } from "./dataplane/casesPart.ts";
import { featuresPart } from "./dataplane/featuresPart.ts";
import { logPart } from "./dataplane/logPart.ts";
import type { Part } from "./dataplane/options.ts";
import { type Options, readOptions, USAGE } from "./dataplane/options.ts";
import { type ProxyKind, proxies } from "./dataplane/proxies.ts";
import { finishReport, type Row } from "./dataplane/report.ts";
import { scalePart } from "./dataplane/scalePart.ts";
import { startPart } from "./dataplane/startPart.ts";
import { tlsPart } from "./dataplane/tlsPart.ts";
import { inWorkplace, type Place } from "./dataplane/workplace.ts";

type Work = (proxy: ProxyKind, options: Options, place: Place) => Promise<readonly Row[]>;

const work: Readonly<Record<Part, Work>> = {
  cases: casesPart,
  features: featuresPart,
  tls: tlsPart,
  log: logPart,
  scale: scalePart,
  start: startPart,
};

async function main(): Promise<void> {
  if (process.argv.includes("--help")) {
    process.stdout.write(USAGE);
    return;
  }
  const options = readOptions(process.argv.slice(2));
  const started = new Date();
  const rows: Row[] = [];
  for (const part of options.parts)
    for (const name of options.proxies)
      rows.push(...(await inWorkplace((place) => work[part](proxies[name], options, place))));
  finishReport(rows, started);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
