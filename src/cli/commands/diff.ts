import { collectionOf, diffSnapshots, type Snapshot } from "../../model/index.ts";
import { pointer } from "../../util/pointer.ts";
import type { ServerOptions } from "../client.ts";
import { loadModel } from "../offline.ts";
import { EXIT, type Io, jsonText, printProblems } from "../output.ts";
import { serverModel } from "../serverModel.ts";

/** One changed value: a pointer into the object, and what stood there before and stands there now; absent: nothing. */
interface ValueChange {
  readonly pointer: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

interface ResourceChange {
  readonly change: "created" | "updated" | "deleted";
  readonly resource: string;
  readonly values: readonly ValueChange[];
}

/** `trimtab diff FILE [OTHER]`: how the model in FILE differs from the one in OTHER or on the server. Exit 2 when it does. */
export async function diff(
  io: Io,
  options: {
    readonly file: string;
    readonly other: string | undefined;
    readonly server: ServerOptions;
    readonly json: boolean;
  },
): Promise<number> {
  const after = await loadModel(options.file);
  if (after.compiled === null) return printProblems(io, after.problems, options.json);
  let before: Snapshot;
  if (options.other === undefined) before = await serverModel(options.server);
  else {
    const other = await loadModel(options.other);
    if (other.compiled === null) return printProblems(io, other.problems, options.json);
    before = other.snapshot;
  }
  const changes = changesBetween(before, after.snapshot);
  if (options.json) io.out(jsonText({ different: changes.length > 0, changes }));
  else for (const change of changes) io.out(changeText(change));
  return changes.length > 0 ? EXIT.different : EXIT.ok;
}

function changesBetween(before: Snapshot, after: Snapshot): ResourceChange[] {
  return diffSnapshots(before, after).map(({ kind, name, resource }) => {
    const old = before[kind].get(name);
    const change = old === undefined ? "created" : resource === null ? "deleted" : "updated";
    return {
      change,
      resource: `${collectionOf(kind)}/${name}`,
      values: change === "updated" ? valueChanges(old?.body, resource?.body, "") : [],
    };
  });
}

function valueChanges(before: unknown, after: unknown, at: string): ValueChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after))
    return [{ pointer: at, before, after }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) =>
    valueChanges((before as Record<string, unknown>)[key], (after as Record<string, unknown>)[key], at + pointer(key)),
  );
}

function isContainer(value: unknown): value is object {
  return value !== null && typeof value === "object";
}

function changeText({ change, resource, values }: ResourceChange): string {
  const sign = { created: "+", deleted: "-", updated: "~" }[change];
  const show = (value: unknown): string => (value === undefined ? "(nothing)" : JSON.stringify(value));
  return [
    `${sign} ${resource}\n`,
    ...values.map((value) => `    ${value.pointer}: ${show(value.before)} -> ${show(value.after)}\n`),
  ].join("");
}
