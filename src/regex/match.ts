/** Whole-text matching as RE2 does it, in linear time: RE2JS is its port. */
import { RE2JS } from "re2js";

/** How much work is still allowed: instructions of the program times characters of the text. Taken from by each match. */
export interface MatchBudget {
  left: number;
}

/** It would take too long: nobody knows whether the text matches. */
export class MatchTooLongError extends Error {}

/** One match runs in one piece: 10 ms. RE2JS does about 500 000 of these in a millisecond when it can remember nothing. */
export const MAX_MATCH = 5_000_000;

/** To compile a usual expression takes as long as so many (60 µs). Compiled ones are not kept: each may hold 8 MiB of states. */
const COMPILATION = 25_000;
/** What each instruction adds to that: counted repeats make programs of thousands, 1 ms for 2 000. */
const COMPILATION_PER_INSTRUCTION = 300;

/** Whether the whole text matches the expression, which is of the common dialect. Throws MatchTooLongError. */
export function matchesWhole(regex: string, text: string, budget: MatchBudget): boolean {
  if (!regex.includes("|") && !text.startsWith(literalStart(regex))) return false;
  spend(budget, COMPILATION);
  const program = RE2JS.compile(regex);
  const size = program.programSize();
  spend(budget, size * COMPILATION_PER_INSTRUCTION);
  const cost = size * text.length;
  if (cost > MAX_MATCH) throw new MatchTooLongError(`${JSON.stringify(regex)} takes too long on so long a text`);
  spend(budget, cost);
  // All three proxies match bytes: `.` is half of an `é`.
  return program.testExact(Buffer.from(text).toString("latin1"));
}

/** What every match begins with, where there is one alternative. Spares most of a host's many expressions the work. */
export function literalStart(regex: string): string {
  return /^[\w/-]*(?![*?{])/.exec(regex)?.[0] ?? "";
}

function spend(budget: MatchBudget, cost: number): void {
  budget.left -= cost;
  if (budget.left < 0) throw new MatchTooLongError("the regular expressions of the host take too long");
}
