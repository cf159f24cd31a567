/**
 * How an Envoy runs: its command line. Nothing of it can be told by xDS, so an Envoy that runs keeps what it was started with, which the
 * capability table says.
 */
import type { ProcessIr } from "../../ir/index.ts";
import type { Support } from "../target.ts";

const onCommandLine = {
  approximated:
    "stands on Envoy's command line (`trimtab bootstrap --print-arguments`): those that run keep what they were started with.",
  code: "PROCESS-ENVOY-ARGUMENTS",
} as const satisfies Support;

/** What Envoy says of the leaves of `process`. */
export const processCapabilities = {
  "fleet.process.workers": onCommandLine,
  "fleet.process.shutdownGrace": onCommandLine,
} as const satisfies Readonly<Record<string, Support>>;

const SECOND_MS = 1_000;
/** A hot restart's old process ends so long after its listeners have drained: Envoy's own defaults are as far apart in proportion. */
const AFTER_DRAIN_SECONDS = 15;

/** Flags of `envoy` beside `-c`, none with a blank: workers, and how long connections of changed or removed listeners may go on. */
export function envoyArguments({ workers, shutdownGraceMs }: ProcessIr): readonly string[] {
  const seconds = shutdownGraceMs / SECOND_MS;
  const drain = ["--drain-time-s", String(seconds), "--parent-shutdown-time-s", String(seconds + AFTER_DRAIN_SECONDS)];
  const concurrency = workers === null ? [] : ["--concurrency", String(workers)];
  // Gradual, Envoy's default, would close idle connections at random moments of the grace.
  return [...drain, "--drain-strategy", "immediate", ...concurrency];
}
