/** Figures of several sides, taken in turns, so that what the machine does besides falls on all of them. */
import { COUNTED_ROUNDS } from "./aims.ts";
import type { Probe } from "./cases.ts";
import { instructionsPerRequest, startCounting, underCallgrind } from "./counting.ts";
import { cpuPerRequest } from "./load.ts";
import type { Measure } from "./options.ts";
import type { Question } from "./question.ts";
import { type Serving, serveAll, stopAll } from "./serving.ts";
import type { Side } from "./sides.ts";

/** Figures by side, then by the question's name; one for each round, so that rounds can be compared. */
export type Figures = ReadonlyMap<Side, ReadonlyMap<string, readonly number[]>>;

/** Takes one measure of every side. */
export async function takeFigures(options: {
  readonly measure: Measure;
  readonly sides: readonly Side[];
  readonly questionsOf: (side: Side) => readonly Question[];
  readonly rounds: number;
}): Promise<Figures> {
  const { measure, sides, questionsOf, rounds } = options;
  const isCounted = measure === "instructions";
  const first = (side: Side): Probe => (questionsOf(side)[0] as Question).probe;
  const serving = await serveAll(sides, first, isCounted ? underCallgrind : undefined);
  try {
    if (isCounted) for (const one of serving) await startCounting(one);
    const figures = new Map(sides.map((side) => [side, new Map<string, number[]>()]));
    const take = isCounted ? instructionsPerRequest : cpuPerRequest;
    for (let round = 0; round < (isCounted ? COUNTED_ROUNDS : rounds); round++) {
      for (const { one, question } of turns(serving, questionsOf, round)) {
        const own = figures.get(one.side) as Map<string, number[]>;
        own.set(question.name, [...(own.get(question.name) ?? []), await take(one, question)]);
      }
    }
    return figures;
  } finally {
    await stopAll(serving);
  }
}

/** Question by question, one side after the other, every second round backwards. */
function turns(
  serving: readonly Serving[],
  questionsOf: (side: Side) => readonly Question[],
  round: number,
): readonly { one: Serving; question: Question }[] {
  const order = round % 2 === 0 ? serving : [...serving].reverse();
  const length = Math.max(...serving.map(({ side }) => questionsOf(side).length));
  return Array.from({ length }, (_, index) =>
    order.flatMap((one) => {
      const question = questionsOf(one.side)[index];
      return question === undefined ? [] : [{ one, question }];
    }),
  ).flat();
}
