/** Ties store, compiler, targets and consumers together: see the contract in index.ts. */
import { type Compiled, compile, type ExplainRequest, type Explanation, explain } from "../compiler/index.ts";
import { compareDiagnostics, type Diagnostic } from "../errors/diagnostic.ts";
import type { FleetIr, ProxyKind } from "../ir/index.ts";
import type { Snapshot } from "../model/index.ts";
import type { Head } from "../store/types.ts";
import { gate } from "../targets/gate.ts";
import type { Target } from "../targets/target.ts";
import type { NodeStatus, XdsServer } from "../xds/types.ts";
import { createFileOutput } from "./fileOutput.ts";
import type { Admission, FleetFiles, Publisher } from "./types.ts";

/** What `onFailure` is told when a whole model cannot be compiled: every fleet keeps what it has. */
export const ALL_FLEETS = "*";

export interface PublisherOptions {
  readonly targets: Readonly<Record<ProxyKind, Target>>;
  readonly xds: Pick<XdsServer, "setView" | "deleteGroup" | "nodes">;
  /** Called when a fleet's output cannot be made: a bug of ours. The fleet keeps its last good output. */
  readonly onFailure: (fleet: string, error: unknown) => void;
}

/** The publisher plus its input: "revision N committed". */
export interface PublisherWithInput extends Publisher {
  /** Hands the newest committed model on: Envoy fleets at once, file fleets a moment later. Never throws. */
  commit(head: Head): void;
  /** Stops timers; nothing is published afterwards. */
  close(): void;
}

/** Starts with nothing published (revision 0); the first `commit` publishes. */
export function createPublisher(options: PublisherOptions): PublisherWithInput {
  const { targets, xds, onFailure } = options;
  let published: { compiled: Compiled; revision: number } | null = null;
  /** The newest compilation, published or not: the base of the next one. */
  let latest: Compiled | null = null;
  const files = createFileOutput({ targets, onFailure });

  const compiledFor = (snapshot: Snapshot): Compiled => {
    latest = compile(snapshot, latest);
    return latest;
  };

  const pushEnvoy = (ir: FleetIr, revision: number): void => {
    try {
      const rendered = targets[ir.proxy].render(ir);
      if (rendered.kind !== "resources") throw new Error(`target ${ir.proxy} gave no resources`);
      xds.setView(ir.name, rendered.resources, revision);
    } catch (error) {
      onFailure(ir.name, error);
    }
  };

  const commit = ({ revision, snapshot }: Head): void => {
    let compiled: Compiled;
    try {
      compiled = compiledFor(snapshot);
    } catch (error) {
      onFailure(ALL_FLEETS, error);
      return;
    }
    const before = published?.compiled.fleets ?? new Map<string, FleetIr>();
    published = { compiled, revision };
    for (const ir of compiled.fleets.values()) if (ir.proxy === "envoy") pushEnvoy(ir, revision);
    for (const [name, old] of before) {
      const now = compiled.fleets.get(name);
      if (old.proxy === "envoy" && now?.proxy !== "envoy") xds.deleteGroup(name);
    }
    files.update(
      [...compiled.fleets.values()].filter(({ proxy }) => proxy !== "envoy"),
      revision,
    );
  };

  const fleetOf = (name: string): FleetIr | undefined => published?.compiled.fleets.get(name);

  return {
    admit: (snapshot: Snapshot): Admission => ({ diagnostics: admission(compiledFor(snapshot), targets) }),
    files: async (fleet: string): Promise<FleetFiles | null> => files.get(fleet),
    proxies: (fleet: string): readonly NodeStatus[] | null => (fleetOf(fleet) === undefined ? null : xds.nodes(fleet)),
    explain: (request: ExplainRequest): Explanation | null => {
      const ir = fleetOf(request.fleet);
      return ir === undefined ? null : explain(ir, request);
    },
    publishedRevision: () => published?.revision ?? 0,
    onFiles: files.onFiles,
    commit,
    close: files.close,
  };
}

/** What the proxies of every fleet cannot do, or do approximately. Sorted. */
export function admission(compiled: Compiled, targets: Readonly<Record<ProxyKind, Target>>): Diagnostic[] {
  return [...compiled.fleets.values()].flatMap((ir) => gate(ir, targets[ir.proxy])).sort(compareDiagnostics);
}
