import type { ResourceChange } from "../changes.ts";
import type { ServerOptions } from "../client.ts";
import type { Declaration } from "../command.ts";
import { type OwnerFlags, type ServerFlags, serverOf, withOwner, withServer } from "../options.ts";
import { EXIT, type Io, jsonText, printProblems } from "../output.ts";

/** `trimtab diff FILE [OTHER]`: what applying FILE would change, or how it differs from OTHER. Exit 2 when there is a difference. */
export const diff: Declaration = (program, { io, done }) => {
  withOwner(withServer(program.command("diff <file> [other]")))
    .description(
      "what `apply` with the same options would change on the server, or how FILE differs from OTHER; exit 2 when it does",
    )
    .action((file: string, other: string | undefined, flags: ServerFlags & OwnerFlags) => {
      const { owner, force = false, json = false } = flags;
      return done(run(io, { file, other, server: serverOf(flags), owner, force, json }));
    });
};

/** What to compare with what. */
interface DiffOptions {
  readonly file: string;
  /** Undefined: the server's model, as an `apply` of the file would leave it. */
  readonly other: string | undefined;
  readonly server: ServerOptions;
  /** As `apply` takes them. */
  readonly owner: string | undefined;
  readonly force: boolean;
  readonly json: boolean;
}

async function run(io: Io, options: DiffOptions): Promise<number> {
  const found =
    options.other === undefined ? await fromServer(io, options) : await fromFile(io, options, options.other);
  if (typeof found === "number") return found;
  if (options.json) io.out(jsonText({ different: found.length > 0, changes: found }));
  else for (const change of found) io.out(changeText(change));
  return found.length > 0 ? EXIT.different : EXIT.ok;
}

/** The changes, or the exit code when something is wrong. */
async function fromServer(io: Io, options: DiffOptions): Promise<readonly ResourceChange[] | number> {
  const [{ foretell }, { changesOf }] = await Promise.all([import("../foretell.ts"), import("../changes.ts")]);
  const { changed, ...models } = await foretell(io, options);
  return changed === null ? EXIT.failed : changesOf(changed, models);
}

async function fromFile(io: Io, options: DiffOptions, other: string): Promise<readonly ResourceChange[] | number> {
  if (options.owner !== undefined || options.force)
    throw new Error("--owner and --force speak of what apply does to a server: they do not go with a second file");
  if (options.file === "-" && other === "-") throw new Error("only one of the two files can be standard input");
  const { loadModel } = await import("../offline.ts");
  const [after, before] = [await loadModel(options.file), await loadModel(other)];
  for (const { compiled, problems } of [after, before])
    if (compiled === null) return printProblems(io, problems, options.json);
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
