/** Part `cases`: generated beside hand-written, case by case, after the proof that they do the same. */
import { EXPERT_LIMIT, FEATURE_LIMIT } from "./aims.ts";
import { CASES, type Probe } from "./cases.ts";
import { type Figures, takeFigures } from "./measuring.ts";
import { modelWith } from "./models.ts";
import type { Measure, Options, Part } from "./options.ts";
import { prove } from "./proof.ts";
import type { ProxyKind } from "./proxies.ts";
import type { Question } from "./question.ts";
import { printHeading, printRow, type Row } from "./report.ts";
import { serveAll, stopAll } from "./serving.ts";
import { expertSide, generatedSide, type Side } from "./sides.ts";
import { geometricMean, spreadOf } from "./statistics.ts";
import type { Place } from "./workplace.ts";

/** Rows of one proxy. Throws when the configurations differ in what they do. */
export async function casesPart(proxy: ProxyKind, options: Options, place: Place): Promise<readonly Row[]> {
  const experts: Side[] = [];
  for (const expert of proxy.experts) experts.push(await expertSide(proxy, expert, place));
  const generated = await generatedSide(proxy, { name: "generated", text: modelWith() }, place);
  try {
    await proveAll([...experts, generated]);
    const questions = questionsFor(options);
    const rows: Row[] = [];
    for (const measure of options.measures) {
      printHeading(`${proxy.name}: generated beside hand-written, ${measure} a request`);
      const figures = await place.withUpstreams(() =>
        takeFigures({
          measure,
          sides: [...experts, generated],
          questionsOf: () => questions,
          rounds: options.rounds,
        }),
      );
      const own = questions.map(({ name }) => caseRow({ part: "cases", name, measure, experts, generated, figures }));
      rows.push(...own, meanRow(own, measure));
    }
    return rows;
  } finally {
    await generated.close();
  }
}

/** The chosen cases. */
export function questionsFor({ cases }: Options): readonly Question[] {
  const chosen = CASES.filter(({ name }) => cases.length === 0 || cases.some((word) => name.includes(word)));
  if (chosen.length === 0)
    throw new Error(`no case is named so; there are ${CASES.map(({ name }) => name).join(", ")}`);
  return chosen.map((probe) => ({ name: probe.name, probe }));
}

/** Throws when the sides differ in what they do; `more`: what only they have. */
export async function proveAll(sides: readonly Side[], more: readonly Probe[] = []): Promise<void> {
  // Nobody listens behind them yet: the first answer is an answer of the proxy's own.
  const answer = CASES.find(({ name }) => name === "answer") as (typeof CASES)[number];
  const serving = await serveAll(sides, () => answer);
  try {
    const problems = await prove(serving, more);
    if (problems.length > 0) throw new Error(`the configurations are not alike:\n${problems.join("\n")}`);
  } finally {
    await stopAll(serving);
  }
}

/** A row of a part, printed: generated beside the first expert. */
export function caseRow(options: {
  readonly part: Part;
  readonly name: string;
  readonly measure: Measure;
  readonly experts: readonly Side[];
  readonly generated: Side;
  readonly figures: Figures;
}): Row {
  const { part, name, measure, experts, generated, figures } = options;
  const of = (side: Side): readonly number[] => figures.get(side)?.get(name) ?? [];
  const [anchor] = experts as [Side, ...Side[]];
  const ratios = of(generated).map((figure, round) => figure / (of(anchor)[round] as number));
  const isCounted = measure === "instructions";
  const scaled = (side: Side): readonly number[] => of(side).map((figure) => (isCounted ? figure / 1_000 : figure));
  const row: Row = {
    part,
    proxy: generated.proxy.name,
    name,
    unit: isCounted ? "kI" : "us",
    figures: Object.fromEntries([...experts, generated].map((side) => [side.name, spreadOf(scaled(side))])),
    ratio: spreadOf(ratios),
    anchor: anchor.name,
    // A case's CPU is noisy by 5 %; their mean is judged.
    ...(isCounted ? { limit: part === "cases" ? EXPERT_LIMIT[generated.proxy.name] : FEATURE_LIMIT } : {}),
  };
  printRow(row);
  return row;
}

function meanRow(rows: readonly Row[], measure: Measure): Row {
  const { proxy } = rows[0] as Row;
  const mean = geometricMean(rows.map(({ ratio }) => ratio?.median ?? Number.NaN));
  const ratio = spreadOf([mean]);
  const row: Row = {
    part: "cases",
    proxy,
    name: `mean, ${measure}`,
    unit: "",
    figures: {},
    ratio,
    limit: EXPERT_LIMIT[proxy],
  };
  printRow(row);
  return row;
}
