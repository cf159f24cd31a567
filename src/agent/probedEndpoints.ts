/** Takes endpoints that fail their probes out of what runs, where files say that they have to be probed. */
import { createHash } from "node:crypto";
import type { OpenSecret } from "../secrets/index.ts";
import type { ClusterEndpoint } from "../targets/target.ts";
import type { Arrangement } from "./arrange.ts";
import { createProbePlans } from "./probePlans.ts";
import { createProber, type EndpointChange, type EndpointDown } from "./prober/index.ts";
import type { ReadyPlan } from "./prober/types.ts";
import type { AgentFile, AgentFiles } from "./types.ts";

/** Files with these endpoints taken out: their target's `takeOut`. */
export type TakeOutOf = (
  files: readonly AgentFile[],
  endpoints: readonly ClusterEndpoint[],
) => Promise<readonly AgentFile[]>;

export interface ProbedEndpointsOptions {
  readonly takenOut: TakeOutOf;
  /** Who gets traffic changed: what runs is to be arranged anew. */
  readonly onMoved: () => void;
  readonly onChange: (change: EndpointChange) => void;
  /** For what probes show inside TLS. */
  readonly open: OpenSecret;
}

export interface ProbedEndpoints {
  /** Probes what all of these name. Resolves when new endpoints were probed once, or after a while (`FIRST_ROUND_MS`). */
  watch(all: readonly AgentFiles[]): Promise<void>;
  /** The arrangement without the endpoints that get nothing now. */
  arranged(arrangement: Arrangement): Promise<Arrangement>;
  /** Those of these files that get nothing now; null: none is probed. */
  down(files: AgentFiles): readonly EndpointDown[] | null;
  close(): void;
}

/** Digits of the mark behind a generation's name. */
const MARK_DIGITS = 8;

/** Probes nothing at first. */
export function createProbedEndpoints({ takenOut, onMoved, onChange, open }: ProbedEndpointsOptions): ProbedEndpoints {
  const prober = createProber({ onMoved, onChange });
  const plans = createProbePlans(open);
  let watched: readonly ReadyPlan[] = [];

  const down = (files: AgentFiles): readonly EndpointDown[] | null => {
    const plan = plans.of(files);
    return plan === null ? null : prober.down(plan);
  };

  return {
    watch: (all) => {
      const wanted = [...new Set(all.flatMap((files) => plans.of(files) ?? []))];
      const isSame = wanted.length === watched.length && wanted.every((plan, index) => plan === watched[index]);
      if (!isSame) prober.watch(wanted);
      watched = wanted;
      plans.keepOnly(wanted);
      return prober.firstRound();
    },
    arranged: async (arrangement) => {
      const { whole, files } = arrangement;
      const endpoints = down(whole) ?? [];
      if (endpoints.length === 0) return arrangement;
      const told = endpoints.map(({ cluster, address, port }) => [cluster, address, port]);
      const mark = createHash("sha256").update(JSON.stringify(told)).digest("hex").slice(0, MARK_DIGITS);
      const generation = `${files.generation}-down-${mark}`;
      return { ...arrangement, files: { ...files, generation, files: await takenOut(files.files, endpoints) } };
    },
    down,
    close: prober.close,
  };
}
