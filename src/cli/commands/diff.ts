import { collectionOf, diffSnapshots, kindOf, type Resource, type Snapshot } from "../../model/index.ts";
import { pointer } from "../../util/pointer.ts";
import type { ServerOptions } from "../client.ts";
import { EXIT, type Io, jsonText, printProblems } from "../output.ts";

/** What to compare with what. */
export interface DiffOptions {
  readonly file: string;
  /** Undefined: the server's model, as an `apply` of the file would leave it. */
  readonly other: string | undefined;
  readonly server: ServerOptions;
  /** As `apply` takes them. */
  readonly owner: string | undefined;
  readonly force: boolean;
  readonly json: boolean;
}

/** One changed value: a pointer into the resource, and what stood there before and stands there now; absent: nothing. */
interface ValueChange {
  readonly pointer: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** One changed resource. */
export interface ResourceChange {
  readonly change: "created" | "updated" | "deleted";
  /** As `routes/shop`. */
  readonly resource: string;
  readonly values: readonly ValueChange[];
}

/** `trimtab diff FILE [OTHER]`: what applying FILE would change, or how it differs from OTHER. Exit 2 when there is a difference. */
export async function diff(io: Io, options: DiffOptions): Promise<number> {
  const found =
    options.other === undefined ? await fromServer(io, options) : await fromFile(io, options, options.other);
  if (typeof found === "number") return found;
  if (options.json) io.out(jsonText({ different: found.length > 0, changes: found }));
  else for (const change of found) io.out(changeText(change));
  return found.length > 0 ? EXIT.different : EXIT.ok;
}

/** The changes, or the exit code when something is wrong. */
async function fromServer(io: Io, options: DiffOptions): Promise<readonly ResourceChange[] | number> {
  const { foretell } = await import("../foretell.ts");
  const { changed, before, after } = await foretell(io, options);
  return changed === null
    ? EXIT.failed
    : changed.map(({ resource: path, change }) => {
        const [collection = "", name = ""] = path.split("/");
        const kind = kindOf(collection);
        const [old, now] = [before, after].map((model) => (kind === undefined ? undefined : model[kind].get(name)));
        return resourceChange(path, change, old, now);
      });
}

async function fromFile(io: Io, options: DiffOptions, other: string): Promise<readonly ResourceChange[] | number> {
  if (options.owner !== undefined || options.force)
    throw new Error("--owner and --force speak of what apply does to a server: they do not go with a second file");
  if (options.file === "-" && other === "-") throw new Error("only one of the two files can be standard input");
  const { loadModel } = await import("../offline.ts");
  const [after, before] = [await loadModel(options.file), await loadModel(other)];
  for (const { compiled, problems } of [after, before])
    if (compiled === null) return printProblems(io, problems, options.json);
  return changesBetween(before.snapshot, after.snapshot);
}

function changesBetween(before: Snapshot, after: Snapshot): ResourceChange[] {
  return diffSnapshots(before, after).map(({ kind, name, resource }) => {
    const old = before[kind].get(name);
    const change = old === undefined ? "created" : resource === null ? "deleted" : "updated";
    return resourceChange(`${collectionOf(kind)}/${name}`, change, old, resource);
  });
}

function resourceChange(
  resource: string,
  change: ResourceChange["change"],
  ...[before, after]: readonly (Resource | null | undefined)[]
): ResourceChange {
  return { change, resource, values: change === "updated" ? valueChanges(before?.body, after?.body, "") : [] };
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
