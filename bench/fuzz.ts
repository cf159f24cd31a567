/** `npm run fuzz`: raw requests at the gates of three real proxies. */
import { parseArgs } from "node:util";
import { type Difference, runRawBytes } from "../src/suite/rawBytes/run.ts";
import { createRandom } from "../src/xds/testingRandom.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "200000" },
    seed: { type: "string" },
    show: { type: "string", default: "2" },
  },
});
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const random = createRandom(seed);
const started = Date.now();
const byKind = new Map<string, Difference[]>();
const status = (outcome: string) => outcome.split(" ;")[0]!.slice(0, 12);
const report = await runRawBytes(Number(values.requests), random, (found) => {
  const kind = `${found.request.bends.length === 1 ? found.request.bends[0] : found.request.bends.length === 0 ? "(plain)" : "(several)"}`;
  byKind.set(kind, [...(byKind.get(kind) ?? []), found]);
});
console.log(
  `seed ${seed}: ${report.sent} requests to each, ${report.differences.length} different, ${(Date.now() - started) / 1000} s; alike ${JSON.stringify(report.alike)}`,
);
for (const [kind, list] of [...byKind].sort((a, b) => b[1].length - a[1].length)) {
  const groups = new Map<string, Difference[]>();
  for (const d of list) {
    const o = d.outcomes;
    const key = [o.envoy, o.nginx, o.haproxy].map(status).join(" | ");
    groups.set(key, [...(groups.get(key) ?? []), d]);
  }
  console.log(`== ${kind}: ${list.length}`);
  for (const [key, some] of [...groups].sort((a, b) => b[1].length - a[1].length)) {
    console.log(`  ${some.length} x ${key}`);
    for (const d of some.slice(0, Number(values.show))) {
      console.log(`     ${JSON.stringify(d.request.bytes).slice(0, 300)}`);
      if (key.startsWith("200 | 200 | 200"))
        for (const [p, o] of Object.entries(d.outcomes))
          console.log(`         ${p}: ${JSON.stringify(o).slice(0, 300)}`);
    }
  }
}
