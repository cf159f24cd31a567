import { Option } from "commander";
import type { ResourceChange } from "../changes.ts";
import type { ServerOptions } from "../client.ts";
import type { Declaration } from "../command.ts";
import { type OwnerFlags, type ServerFlags, serverOf, withOwner, withServer } from "../options.ts";
import { EXIT, type Io, jsonText, printProblems } from "../output.ts";

const FORMATS = ["text", "json", "markdown"] as const;

interface DiffFlags extends ServerFlags, OwnerFlags {
  readonly apply?: boolean;
  readonly format?: (typeof FORMATS)[number];
}

/**
 * `trimtab diff OLD NEW`: what leads from the one model to the other; `trimtab diff PATH`: what applying it would change on the
 * server. Exit 2 when there is a difference, 1 when it cannot be told.
 */
export const diff: Declaration = (program, { io, done }) => {
  withOwner(withServer(program.command("diff <paths...>")))
    .description(
      "two paths: what leads from the old model to the new one; one, or any with --apply: what `apply` would change on the server; exit 2 when there is a difference",
    )
    .option("--apply", "the paths are one model, which is compared with the server's")
    .addOption(
      new Option("--format <format>", "how changes are told; markdown: a comment of a pull request")
        .choices(FORMATS)
        .conflicts("json"),
    )
    .action((paths: readonly string[], flags: DiffFlags) => {
      const { owner, force = false, json = false, apply = false } = flags;
      const format = flags.format ?? (json ? "json" : "text");
      return done(run(io, { paths, apply, server: serverOf(flags), owner, force, json: format === "json", format }));
    });
};

/** What to compare with what. */
interface DiffOptions {
  /** The old model and the new one; one path, or with `apply` any number: what the server's model is to become. */
  readonly paths: readonly string[];
  readonly apply: boolean;
  readonly server: ServerOptions;
  /** As `apply` takes them. */
  readonly owner: string | undefined;
  readonly force: boolean;
  /** Problems as JSON. */
  readonly json: boolean;
  readonly format: (typeof FORMATS)[number];
}

async function run(io: Io, options: DiffOptions): Promise<number> {
  const { apply, format, paths } = options;
  if (!apply && paths.length > 2)
    throw new Error("two models are compared, each a file or a folder; --apply compares all, as one, with the server");
  const found = apply || paths.length === 1 ? await fromServer(io, options) : await fromFiles(io, options);
  if (typeof found === "number") return found;
  const { changesMarkdown, changeText } = await import("../changeText.ts");
  if (format === "json") io.out(jsonText({ different: found.length > 0, changes: found }));
  else if (format === "markdown") io.out(changesMarkdown(found));
  else for (const change of found) io.out(changeText(change));
  return found.length > 0 ? EXIT.different : EXIT.ok;
}

/** The changes, or the exit code when something is wrong. */
async function fromServer(io: Io, options: DiffOptions): Promise<readonly ResourceChange[] | number> {
  const [{ foretell }, { changesOf }] = await Promise.all([import("../foretell.ts"), import("../changes.ts")]);
  const { changed, ...models } = await foretell(io, options);
  return changed === null ? EXIT.failed : changesOf(changed, models);
}

async function fromFiles(io: Io, options: DiffOptions): Promise<readonly ResourceChange[] | number> {
  if (options.owner !== undefined || options.force)
    throw new Error("--owner and --force speak of what apply does to a server: they do not go with a second file");
  const [old = "", next = ""] = options.paths;
  if (old === "-" && next === "-") throw new Error("only one of the two files can be standard input");
  const { loadModel } = await import("../offline.ts");
  const [before, after] = [await loadModel([old]), await loadModel([next])];
  const refused = [before, after].filter(({ compiled }) => compiled === null);
  const problems = refused.flatMap((model) => model.problems);
  if (refused.length > 0) {
    printProblems(io, problems, options.json);
    return EXIT.failed;
  }
  const { changesBetween } = await import("../changes.ts");
  return changesBetween(before.snapshot, after.snapshot);
}
