/** What the xDS server shows of each fleet: views are made one after the other; the last good one stays. */
import type { FleetIr } from "../ir/index.ts";
import type { Snapshot } from "../model/index.ts";
import { effectOf, type Pipeline, type Rendering } from "../pipeline/index.ts";
import type { Head } from "../store/types.ts";
import type { Steps } from "../util/steps.ts";
import type { XdsServer } from "../xds/types.ts";
import type { Publication } from "./types.ts";

export interface XdsOutput {
  /** In one turn with the view that the rules are of: whom they newly allow sees nothing that was made for others. */
  readonly setAccess: (fleet: string, snapshot: Snapshot) => void;
  /** Shows a fleet of an earlier revision. */
  readonly recall: (ir: FleetIr, revision: number) => Steps<void>;
  /** Shows the fleets of a revision. Those that are gone go; `kept` ones stay as they are, with the revision's access rules. */
  readonly show: (fleets: readonly FleetIr[], head: Head, kept: ReadonlySet<string>) => Steps<void>;
  /** Nothing is shown afterwards. */
  readonly close: () => void;
}

/** Starts with nothing shown. */
export function createXdsOutput(options: {
  readonly pipeline: Pipeline;
  readonly xds: Pick<XdsServer, "setView" | "setAccess" | "deleteGroup">;
  readonly onFailure: (fleet: string, error: unknown, revision: number) => void;
  readonly onPublished: (publication: Publication) => void;
}): XdsOutput {
  const { pipeline, xds } = options;
  const views = new Map<string, Rendering<"resources">>();
  /** Fleets that xDS was shown. */
  let shown = new Set<string>();
  let closed = false;

  function setAccess(fleet: string, snapshot: Snapshot): void {
    if (!closed) xds.setAccess(fleet, snapshot.fleet.get(fleet)?.body.xds?.allow ?? null);
  }

  function* pushView(ir: FleetIr, { revision, snapshot }: Head): Steps<void> {
    try {
      const view = yield* pipeline.render(ir, "resources");
      if (closed) return;
      setAccess(ir.name, snapshot);
      const effect = effectOf(views.get(ir.name) ?? null, view);
      xds.setView(ir.name, view.whole.resources, revision);
      views.set(ir.name, view);
      options.onPublished({ fleet: ir.name, revision, effect });
    } catch (error) {
      // Who may pull does not wait for what can be pulled.
      setAccess(ir.name, snapshot);
      options.onFailure(ir.name, error, revision);
    }
  }

  return {
    setAccess,
    *recall(ir, revision) {
      xds.setView(ir.name, (yield* pipeline.render(ir, "resources")).whole.resources, revision);
      shown.add(ir.name);
    },
    *show(fleets, head, kept) {
      for (const name of kept) setAccess(name, head.snapshot);
      for (const ir of fleets) yield* pushView(ir, head);
      if (closed) return;
      const names = new Set([...fleets.map(({ name }) => name), ...[...kept].filter((name) => shown.has(name))]);
      for (const name of shown) {
        if (names.has(name)) continue;
        xds.deleteGroup(name);
        views.delete(name);
      }
      shown = names;
    },
    close() {
      closed = true;
    },
  };
}
