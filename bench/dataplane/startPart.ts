/** Part `start`: how long a proxy takes to its first right answer, and its memory, with large models. */
import { CASES, type Probe } from "./cases.ts";
import { cpuNanoseconds, peakMebibytes } from "./load.ts";
import { hostProbe, manyHosts, manyRules, modelWith } from "./models.ts";
import type { Options } from "./options.ts";
import type { ProxyKind } from "./proxies.ts";
import { printHeading, printRow, type Row } from "./report.ts";
import { serve } from "./serving.ts";
import { generatedSide, type ModelText, type Side } from "./sides.ts";
import { spreadOf } from "./statistics.ts";
import type { Place } from "./workplace.ts";

const SIZE = 10_000;
/** Starts of each model: they repeat to some percent. */
const STARTS = 3;

/** Rows of one proxy. An Envoy's control plane runs before it, with everything compiled: its own start is not in the figures. */
export async function startPart(proxy: ProxyKind, _options: Options, place: Place): Promise<readonly Row[]> {
  const anyCase = CASES[0] as Probe;
  const last = hostProbe(SIZE - 1);
  const models: readonly { name: string; text: ModelText; probe: Probe }[] = [
    { name: "as written", text: modelWith(), probe: anyCase },
    { name: `${SIZE} rules`, text: manyRules(SIZE), probe: anyCase },
    { name: `${SIZE} hosts`, text: manyHosts(SIZE, "same field"), probe: last },
  ];
  printHeading(`${proxy.name}: from its start to the first right answer; the most memory by then`);
  return place.withUpstreams(async () => {
    const rows: Row[] = [];
    for (const { name, text, probe } of models) {
      const side = await generatedSide(proxy, { name, text }, place);
      try {
        rows.push(...(await startRows(side, probe)));
      } finally {
        await side.close();
      }
    }
    return rows;
  });
}

async function startRows(side: Side, probe: Probe): Promise<readonly Row[]> {
  const times: number[] = [];
  const cpu: number[] = [];
  const memory: number[] = [];
  for (let count = 0; count < STARTS; count++) {
    const serving = await serve(side, probe);
    times.push(serving.readyMs);
    cpu.push(cpuNanoseconds(serving.pid) / 1e6);
    memory.push(peakMebibytes(serving.pid));
    await serving.stop();
  }
  const common = { part: "start", proxy: side.proxy.name, name: side.name } as const;
  const rows: readonly Row[] = [
    { ...common, unit: "ms", figures: { wall: spreadOf(times), cpu: spreadOf(cpu) } },
    { ...common, unit: "MiB", figures: { peak: spreadOf(memory) } },
  ];
  for (const row of rows) printRow(row);
  return rows;
}
