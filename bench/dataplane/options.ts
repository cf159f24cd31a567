/** The command line of `npm run bench:dataplane`. */
import { parseArgs } from "node:util";
import { PROXIES, type ProxyName } from "./aims.ts";

/** The parts: generated beside expert, with what balances load, inside TLS, with an access log; larger models, and how those start. */
export const PARTS = ["cases", "features", "tls", "log", "scale", "start"] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  readonly proxies: readonly ProxyName[];
  readonly parts: readonly Part[];
  /** Only cases whose name contains one of these; empty: all. */
  readonly cases: readonly string[];
  /** CPU figures for each side and case. */
  readonly rounds: number;
  /** Leaves out callgrind or the CPU figures. */
  readonly measures: readonly Measure[];
}

/** What is counted. */
export const MEASURES = ["instructions", "cpu"] as const;
export type Measure = (typeof MEASURES)[number];

/** Nine: the quartiles of the ratios stand on more than one figure. */
const ROUNDS = 9;

export const USAGE = `npm run bench:dataplane -- [options]
  --proxy LIST    of ${PROXIES.join(",")} (default: all)
  --part LIST     of ${PARTS.join(",")} (default: all)
  --case LIST     only cases whose names contain one of these
  --measure LIST  of ${MEASURES.join(",")} (default: both)
  --rounds N      CPU figures for each side and case (default: ${ROUNDS})
`;

/** Throws when a word is unknown. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { proxy: text, part: text, case: text, measure: text, rounds: text },
  });
  const rounds = Number(values.rounds ?? ROUNDS);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds} is no number of rounds`);
  return {
    proxies: listOf("--proxy", values.proxy, PROXIES),
    parts: listOf("--part", values.part, PARTS),
    cases: values.case === undefined ? [] : values.case.split(","),
    measures: listOf("--measure", values.measure, MEASURES),
    rounds,
  };
}

function listOf<T extends string>(option: string, value: string | undefined, known: readonly T[]): readonly T[] {
  if (value === undefined) return known;
  return value.split(",").map((word) => {
    const found = known.find((name) => name === word);
    if (found === undefined) throw new Error(`${option} ${word}: it must be of ${known.join(", ")}`);
    return found;
  });
}
