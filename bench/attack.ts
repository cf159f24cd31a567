/** `npm run attack`: what hostile clients of the REST API cost one that behaves; see README.md. */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { attacks } from "./attack/all.ts";
import { runAttack, type Seen } from "./attack/runAttack.ts";

const { values } = parseArgs({
  options: { size: { type: "string", default: "whole" }, only: { type: "string", default: "" } },
});
const size = values.size === "short" ? "short" : "whole";
const MIB = 1024 * 1024;

function line({ name, answers, p50, p99, cpu99, holdMs, turnMs, rss, seconds, broken }: Seen): string {
  const numbers = [answers, p50, p99, cpu99, holdMs, turnMs, rss / MIB, seconds].map((value) =>
    value.toFixed(0).padStart(8),
  );
  return [`${name.padEnd(36)}${numbers.join("")}`, ...broken.map((what) => `  BROKEN  ${what}`)].join("\n");
}

process.stdout.write(
  `${cpus().length} x ${cpus()[0]?.model}, node ${process.version}, load ${loadavg()[0]?.toFixed(2)}\n`,
);
process.stdout.write(`${"".padEnd(36)} answers  p50 ms  p99 ms cpu p99 hold ms turn ms RSS MiB       s\n`);
let broken = 0;
for (const attack of attacks.filter(({ name }) => name.includes(values.only))) {
  const seen = await runAttack(attack, size);
  process.stdout.write(`${line(seen)}\n`);
  if (seen.broken.length > 0) {
    broken++;
    process.stdout.write(`  promised: ${attack.promise}\n`);
  }
}
process.stdout.write(broken === 0 ? "every promise held\n" : `${broken} promises broke\n`);
process.exitCode = broken === 0 ? 0 : 1;
