import type { ResourceChange } from "../changes.ts";
import type { ServerOptions } from "../client.ts";
import type { Declaration } from "../command.ts";
import { type OwnerFlags, type ServerFlags, serverOf, withOwner, withServer } from "../options.ts";
import { EXIT, type Io, jsonText, printProblems } from "../output.ts";

/**
 * `trimtab diff FILE`: what applying FILE would change on the server; `trimtab diff OLD NEW`: what leads from OLD to NEW. Exit codes
 * as those of diff(1): 1 when there is a difference, 2 when it cannot be told.
 */
export const diff: Declaration = (program, { io, done }) => {
  withOwner(withServer(program.command("diff <file> [new]")))
    .description(
      "what `apply` with the same options would change on the server, or with a second file what leads from FILE to NEW; exit 1 when they differ",
    )
    .action((file: string, next: string | undefined, flags: ServerFlags & OwnerFlags) => {
      const { owner, force = false, json = false } = flags;
      return done(run(io, { file, next, server: serverOf(flags), owner, force, json }));
    });
};

/** What to compare with what. */
interface DiffOptions {
  readonly file: string;
  /** What the file became; undefined: the file is what the server's model is to become. */
  readonly next: string | undefined;
  readonly server: ServerOptions;
  /** As `apply` takes them. */
  readonly owner: string | undefined;
  readonly force: boolean;
  readonly json: boolean;
}

async function run(io: Io, options: DiffOptions): Promise<number> {
  const found = options.next === undefined ? await fromServer(io, options) : await fromFile(io, options, options.next);
  if (typeof found === "number") return found;
  if (options.json) io.out(jsonText({ different: found.length > 0, changes: found }));
  else for (const change of found) io.out(changeText(change));
  return found.length > 0 ? EXIT.different : EXIT.ok;
}

/** The changes, or the exit code when something is wrong. */
async function fromServer(io: Io, options: DiffOptions): Promise<readonly ResourceChange[] | number> {
  const [{ foretell }, { changesOf }] = await Promise.all([import("../foretell.ts"), import("../changes.ts")]);
  const { changed, ...models } = await foretell(io, options);
  return changed === null ? EXIT.trouble : changesOf(changed, models);
}

async function fromFile(io: Io, options: DiffOptions, next: string): Promise<readonly ResourceChange[] | number> {
  if (options.owner !== undefined || options.force)
    throw new Error("--owner and --force speak of what apply does to a server: they do not go with a second file");
  if (options.file === "-" && next === "-") throw new Error("only one of the two files can be standard input");
  const { loadModel } = await import("../offline.ts");
  const [before, after] = [await loadModel(options.file), await loadModel(next)];
  const refused = [before, after].filter(({ compiled }) => compiled === null);
  if (refused.length > 0) {
    printProblems(
      io,
      refused.flatMap(({ problems }) => problems),
      options.json,
    );
    return EXIT.trouble;
  }
  const { changesBetween } = await import("../changes.ts");
  return changesBetween(before.snapshot, after.snapshot);
}

function changeText({ change, resource, values }: ResourceChange): string {
  const sign = { created: "+", deleted: "-", updated: "~" }[change];
  const show = (value: unknown): string => (value === undefined ? "(nothing)" : JSON.stringify(value));
  return [
    `${sign} ${resource}\n`,
    ...values.map((value) => `    ${value.pointer}: ${show(value.before)} -> ${show(value.after)}\n`),
  ].join("");
}
