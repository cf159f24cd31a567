/** A generated configuration beside a hand-written one, after the proof that they do the same. */
import type { Probe } from "./cases.ts";
import { caseRow, proveAll } from "./casesPart.ts";
import { takeFigures } from "./measuring.ts";
import type { Options, Part } from "./options.ts";
import type { Question } from "./question.ts";
import { printHeading, type Row } from "./report.ts";
import type { Side } from "./sides.ts";
import type { Place } from "./workplace.ts";

export interface Comparison {
  readonly part: Part;
  /** For the heading. */
  readonly what: string;
  readonly options: Options;
  readonly place: Place;
  readonly expert: Side;
  readonly generated: Side;
  readonly questions: readonly Question[];
  /** What is proven beside what every configuration does; null: only `proveMore`, for nearly all of that is refused here. */
  readonly variants: readonly Probe[] | null;
  /** More proofs; throws where the sides differ. */
  readonly proveMore?: (sides: readonly Side[]) => Promise<void>;
}

/** Rows of the questions that are asked for. Throws when the configurations differ in what they do. */
export async function compare(work: Comparison): Promise<readonly Row[]> {
  const { part, what, options, place, expert, generated, variants } = work;
  const questions = work.questions.filter(
    ({ name }) => options.cases.length === 0 || options.cases.some((word) => name.includes(word)),
  );
  const sides = [expert, generated];
  try {
    if (questions.length === 0) return [];
    if (variants !== null) await proveAll(sides, variants);
    await work.proveMore?.(sides);
    const rows: Row[] = [];
    for (const measure of options.measures) {
      printHeading(`${generated.proxy.name}: ${what}, generated beside hand-written, ${measure} of each`);
      const { rounds } = options;
      const figures = await place.withUpstreams(() =>
        takeFigures({ measure, sides, questionsOf: () => questions, rounds }),
      );
      for (const { name } of questions)
        rows.push(caseRow({ part, name, measure, experts: [expert], generated, figures }));
    }
    return rows;
  } finally {
    for (const side of sides) await side.close();
  }
}
