/** `npm run fuzz`: raw requests at the gates of three real proxies; what they take differently, by row of docs/decisions/0011. */
import { parseArgs } from "node:util";
import { type Finding, runRawBytes } from "../src/suite/rawBytes/run.ts";
import { createRandom } from "../src/xds/testingRandom.ts";

const USAGE = `npm run fuzz -- [--requests 200000] [--seed N] [--faults 20]
The same seed sends the same requests. Needs envoy, nginx and haproxy.
`;
/** Of a request's bytes so many are shown. */
const SHOWN_BYTES = 600;

const options = {
  requests: { type: "string", default: "200000" },
  seed: { type: "string" },
  faults: { type: "string", default: "20" },
  help: { type: "boolean", default: false },
} as const;
const { values } = parseArgs({ options });

function showFault({ request, outcomes, fault, known }: Finding): void {
  const lines = Object.entries(outcomes).map(([proxy, outcome]) => `  ${proxy}: ${outcome.slice(0, SHOWN_BYTES)}`);
  const title = `${fault} (${[...request.bends, ...known.map((name) => `row "${name}"`)].join(", ")})`;
  process.stdout.write([title, `  ${JSON.stringify(request.bytes).slice(0, SHOWN_BYTES)}`, ...lines, ""].join("\n"));
}

async function main(): Promise<void> {
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  const byRow = new Map<string, number>();
  let [faults, evasions] = [0, 0];
  const tell = (found: Finding): void => {
    if (found.fault?.includes("evaded") === true) evasions++;
    if (found.fault !== null && ++faults <= Number(values.faults)) showFault(found);
    if (found.fault === null) for (const name of found.known) byRow.set(name, (byRow.get(name) ?? 0) + 1);
  };
  const started = Date.now();
  const { sent, alike, different } = await runRawBytes(Number(values.requests), createRandom(seed), tell);
  const seconds = Math.round((Date.now() - started) / 1000);
  process.stdout.write(`seed ${seed}: ${sent} requests to each of three proxies in ${seconds} s\n`);
  process.stdout.write(`taken alike, by status: ${JSON.stringify(alike)}\n`);
  process.stdout.write(`taken differently: ${different}, by row (a request may meet several):\n`);
  for (const [name, count] of [...byRow].sort((a, b) => b[1] - a[1]))
    process.stdout.write(`${String(count).padStart(8)}  ${name}\n`);
  process.stdout.write(`faults: ${faults}, in ${evasions} of them a rule was evaded\n`);
  if (faults > 0) process.exitCode = 1;
}

if (values.help) process.stdout.write(USAGE);
else await main();
