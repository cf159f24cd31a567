/** One compiler for the tests of a file, run in one piece. */
import type { FleetIr } from "../ir/index.ts";
import type { Snapshot } from "../model/index.ts";
import { finish } from "../util/steps.ts";
import { type Compiled, createCompiler } from "./compile.ts";

const compiler = createCompiler();

/** Compiles a model. */
export function compile(snapshot: Snapshot, previous: Compiled | null): Compiled {
  return finish(compiler.compileSteps(snapshot, previous));
}

/** The same fleet with path groups. */
export function withPathGroups(ir: FleetIr): FleetIr {
  return finish(compiler.withPathGroupsSteps(ir));
}
