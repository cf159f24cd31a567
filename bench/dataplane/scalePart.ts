/** Part `scale`: what a request costs when the model has more rules and hosts than it needs. */
import { EXPERT_LIMIT, HOSTS_LIMIT, type ProxyName } from "./aims.ts";
import { proveAll, questionsFor } from "./casesPart.ts";
import { growNginxExpert } from "./expertRules.ts";
import { type Figures, takeFigures } from "./measuring.ts";
import { hostProbe, MORE_PROBES, manyHosts, manyRules, modelWith } from "./models.ts";
import type { Measure, Options } from "./options.ts";
import type { ProxyKind } from "./proxies.ts";
import type { Question } from "./question.ts";
import { printHeading, printRow, type Row } from "./report.ts";
import { expertSide, generatedSide, type ModelText, type Side } from "./sides.ts";
import { spreadOf } from "./statistics.ts";
import type { Place } from "./workplace.ts";

const RULES = [60, 10_000] as const;
const HOSTS = 200;
/** Write the rules of `manyRules` into the copied files of a proxy's first expert. */
const EXPERTS: { readonly [Name in ProxyName]?: (folder: string, count: number) => void } = { nginx: growNginxExpert };

interface Family {
  /** The anchor first. */
  readonly models: readonly {
    readonly name: string;
    readonly text: ModelText;
    readonly questions: readonly Question[];
  }[];
  readonly limit?: number;
  /** Rules that a person wrote besides: an anchor of its own for the largest model. */
  readonly expertRules?: number;
}

/** Rows of one proxy: the ratio of each larger model to the small one, and of the largest to what a person wrote for it. */
export async function scalePart(proxy: ProxyKind, options: Options, place: Place): Promise<readonly Row[]> {
  const cases = questionsFor(options);
  const host = (index: number): readonly Question[] => [{ name: "host", probe: hostProbe(index) }];
  const families: readonly Family[] = [
    {
      models: [
        { name: "as written", text: modelWith(), questions: cases },
        ...RULES.map((count) => ({ name: `${count} rules`, text: manyRules(count), questions: cases })),
      ],
      expertRules: Math.max(...RULES),
    },
    {
      models: [
        { name: "1 host", text: manyHosts(1, "own field"), questions: host(0) },
        { name: `${HOSTS} hosts`, text: manyHosts(HOSTS, "own field"), questions: host(HOSTS / 2) },
      ],
      limit: HOSTS_LIMIT,
    },
  ];
  const rows: Row[] = [];
  for (const family of families) rows.push(...(await familyRows({ family, proxy, options, place })));
  return rows;
}

async function familyRows(work: {
  readonly family: Family;
  readonly proxy: ProxyKind;
  readonly options: Options;
  readonly place: Place;
}): Promise<readonly Row[]> {
  const { family, proxy, options, place } = work;
  const sides: Side[] = [];
  try {
    for (const model of family.models) sides.push(await generatedSide(proxy, model, place));
    const expert = await grownExpert(work);
    const largest = sides.at(-1) as Side;
    if (expert !== null) await proveAll([expert, largest], MORE_PROBES);
    const questionsOf = (side: Side): readonly Question[] =>
      family.models[sides.indexOf(side === expert ? largest : side)]?.questions ?? [];
    const rows: Row[] = [];
    for (const measure of options.measures) {
      printHeading(`${proxy.name}: larger models, ${measure} a request`);
      const { rounds } = options;
      const figures = await place.withUpstreams(() =>
        takeFigures({ measure, sides: expert === null ? sides : [...sides, expert], questionsOf, rounds }),
      );
      const [anchor, ...larger] = sides as [Side, ...Side[]];
      for (const { name } of questionsOf(anchor))
        for (const side of larger) rows.push(scaleRow({ name, measure, anchor, side, figures, limit: family.limit }));
      if (expert === null) continue;
      // The CPU of one case is noisy, as in part `cases`.
      const limit = measure === "instructions" ? EXPERT_LIMIT[proxy.name] : undefined;
      for (const { name } of questionsOf(expert))
        rows.push(scaleRow({ name, measure, anchor: expert, side: largest, figures, limit }));
    }
    return rows;
  } finally {
    for (const side of sides) await side.close();
  }
}

async function grownExpert({
  family: { expertRules },
  proxy,
  place,
}: {
  readonly family: Family;
  readonly proxy: ProxyKind;
  readonly place: Place;
}): Promise<Side | null> {
  const [expert] = proxy.experts;
  const write = EXPERTS[proxy.name];
  if (expertRules === undefined || write === undefined || expert === undefined) return null;
  const grow = (folder: string): void => write(folder, expertRules);
  return expertSide(proxy, { ...expert, name: `expert of ${expertRules} rules`, grow }, place);
}

function scaleRow(options: {
  readonly name: string;
  readonly measure: Measure;
  readonly anchor: Side;
  readonly side: Side;
  readonly figures: Figures;
  readonly limit: number | undefined;
}): Row {
  const { name, measure, anchor, side, figures, limit } = options;
  const divisor = measure === "instructions" ? 1_000 : 1;
  const of = (one: Side): readonly number[] => (figures.get(one)?.get(name) ?? []).map((figure) => figure / divisor);
  const row: Row = {
    part: "scale",
    proxy: side.proxy.name,
    name,
    unit: measure === "instructions" ? "kI" : "us",
    figures: { [anchor.name]: spreadOf(of(anchor)), [side.name]: spreadOf(of(side)) },
    ratio: spreadOf(of(side).map((figure, round) => figure / (of(anchor)[round] as number))),
    anchor: anchor.name,
    ...(limit === undefined ? {} : { limit }),
  };
  printRow(row);
  return row;
}
