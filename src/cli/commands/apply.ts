import type { ServerOptions } from "../client.ts";
import type { Declaration } from "../command.ts";
import { type OwnerFlags, type ServerFlags, serverOf, withOwner, withServer } from "../options.ts";
import { counted, EXIT, type Io, jsonText, printProblems } from "../output.ts";
import type { ApplyAnswer } from "../serverApply.ts";
import { note } from "../writeNote.ts";

interface ApplyFlags extends ServerFlags, OwnerFlags {
  readonly dryRun?: boolean;
  readonly message?: string;
  readonly author?: string;
}

/** `trimtab apply PATHS`: sends the documents as one to the server in one transaction. Exit 1 when it is refused. */
export const apply: Declaration = (program, { io, done }) => {
  withOwner(withServer(program.command("apply <paths...>")))
    .description("add a model to the server's: one transaction, one revision; resources that it does not list stay")
    .option("--dry-run", "check only, store nothing")
    .option("--message <text>", "kept with the revision")
    .option("--author <name>", "kept with the revision")
    .action((paths: readonly string[], flags: ApplyFlags) => {
      const { dryRun = false, owner, force = false, message, author, json = false } = flags;
      return done(run(io, { paths, server: serverOf(flags), dryRun, owner, force, message, author, json }));
    });
};

/** How to apply what. */
interface ApplyOptions {
  readonly paths: readonly string[];
  readonly server: ServerOptions;
  readonly dryRun: boolean;
  /** Prunes what this owner no longer lists. */
  readonly owner: string | undefined;
  /** Writes what other owners applied. */
  readonly force: boolean;
  readonly message: string | undefined;
  readonly author: string | undefined;
  readonly json: boolean;
}

async function run(io: Io, options: ApplyOptions): Promise<number> {
  const headers = { ...note("message", options.message), ...note("author", options.author) };
  const [{ loadDocuments }, { isDone, refused, sendApply }] = await Promise.all([
    import("../documents.ts"),
    import("../serverApply.ts"),
  ]);
  const document = await loadDocuments(options.paths);
  if (document.problems.length > 0) return printProblems(io, document.problems, options.json);
  const answer = await sendApply(options.server, { document, headers, ...options });
  if (!isDone(answer)) return refused(io, { answer, document }, options.json);
  return accepted(io, { answer, document }, options);
}

async function accepted(io: Io, { answer, document }: ApplyAnswer, { json, dryRun }: ApplyOptions): Promise<number> {
  const { omitted, place, writeAnswer } = await import("../serverApply.ts");
  const { revision, changed, warnings, warningsOmitted = 0 } = writeAnswer(answer);
  const problems = warnings.map((item) => place(document, item, "warning"));
  if (json) {
    io.out(jsonText({ ok: true, dryRun, revision, changed, problems, ...omitted(warningsOmitted) }));
    return EXIT.ok;
  }
  printProblems(io, problems, false);
  if (warningsOmitted > 0) io.err(`and ${counted(warningsOmitted, "warning")} about the rest of the model\n`);
  for (const { change, resource } of changed) io.out(`${SIGNS[change]} ${resource}\n`);
  const count = counted(changed.length, "resource");
  io.out(dryRun ? `would change ${count}\n` : `revision ${revision}: changed ${count}\n`);
  return EXIT.ok;
}

const SIGNS = { created: "+", updated: "~", deleted: "-" } as const;
