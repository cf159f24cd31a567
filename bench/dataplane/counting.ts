/** User-mode instructions a request, by callgrind: the machine's noise is not in them. */
import { COUNTED_REQUESTS, WARM_REQUESTS } from "./aims.ts";
import { keptConnection } from "./clients.ts";
import { type Command, run } from "./processes.ts";
import type { Question } from "./question.ts";
import type { Serving } from "./serving.ts";

/** What a proxy does before it serves is not counted: it starts several times as fast. */
const FLAGS = ["--tool=callgrind", "--callgrind-out-file=/dev/null", "--instr-atstart=no"];

/** Runs a command under callgrind. Code that the process writes itself (PCRE2's JIT) is seen as such by default. */
export function underCallgrind({ binary, args }: Command): Command {
  return { binary: "valgrind", args: [...FLAGS, binary, ...args] };
}

/** From now on instructions count. */
export async function startCounting({ pid }: Serving): Promise<void> {
  await run({ binary: "callgrind_control", args: ["-i", "on", String(pid)] });
}

/** Instructions of one request, from the difference that many by one client make. */
export async function instructionsPerRequest(serving: Serving, question: Question): Promise<number> {
  const { probe, client = keptConnection, counts } = question;
  const counted = counts?.counted ?? COUNTED_REQUESTS;
  const asker = await client(serving.side, probe);
  try {
    const ask = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) await asker.ask();
    };
    await ask(Math.min(WARM_REQUESTS, counted));
    const before = await instructionsByThread(serving.pid);
    await ask(counted);
    const after = await instructionsByThread(serving.pid);
    const differences = after.map((count, thread) => count - (before[thread] ?? 0));
    return Math.max(...differences) / counted;
  } finally {
    asker.close();
  }
}

/**
 * What each thread of a process has executed so far. All requests of one connection are one thread's work; what others do by
 * the clock (Envoy's main thread: timers and statistics) does not count.
 */
async function instructionsByThread(pid: number): Promise<readonly number[]> {
  const told = await run({ binary: "callgrind_control", args: ["-e", String(pid)] });
  const threads = [...told.matchAll(/^ *Th +\d+ +([\d,]+)/gm)].map((line) => Number(line[1]?.replaceAll(",", "")));
  if (threads.length === 0) throw new Error(`callgrind_control does not tell: ${told}`);
  return threads;
}
