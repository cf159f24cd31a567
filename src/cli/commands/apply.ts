import type { ServerOptions } from "../client.ts";
import type { Declaration } from "../command.ts";
import { type OwnerFlags, type ServerFlags, serverOf, withConnection, withOwner } from "../options.ts";
import { counted, EXIT, type Io, jsonText } from "../output.ts";
import { omittedIn, type Report, type ReportFlags, report, reportOf, verdictOf, withReport } from "../report.ts";
import type { ApplyAnswer } from "../serverApply.ts";
import { note } from "../writeNote.ts";

interface ApplyFlags extends Omit<ServerFlags, "json">, OwnerFlags, ReportFlags {
  readonly dryRun?: boolean;
  readonly message?: string;
  readonly author?: string;
}

/**
 * `trimtab apply PATHS`: sends the documents as one to the server in one transaction. Exit 1 when it is refused; 3, and nothing
 * stored, when there are warnings that are to fail.
 */
export const apply: Declaration = (program, { io, done }) => {
  withReport(withOwner(withConnection(program.command("apply <paths...>"))))
    .description("add a model to the server's: one transaction, one revision; resources that it does not list stay")
    .option("--dry-run", "check only, store nothing")
    .option("--message <text>", "kept with the revision")
    .option("--author <name>", "kept with the revision")
    .action((paths: readonly string[], flags: ApplyFlags) => {
      const { dryRun = false, owner, force = false, message, author } = flags;
      const how = reportOf(flags, program);
      return done(run(io, { paths, server: serverOf(flags), dryRun, owner, force, message, author, how }));
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
  readonly how: Report;
}

async function run(io: Io, options: ApplyOptions): Promise<number> {
  const headers = { ...note("message", options.message), ...note("author", options.author) };
  const [{ loadDocuments }, { isDone, refused, sendApply, sendStrictly }] = await Promise.all([
    import("../documents.ts"),
    import("../serverApply.ts"),
  ]);
  const document = await loadDocuments(options.paths);
  const { how, server } = options;
  if (document.problems.length > 0) return report(io, document, how);
  const answer = await (how.strict ? sendStrictly : sendApply)(server, { document, headers, ...options });
  if (!isDone(answer)) return refused(io, { answer, document }, how);
  return accepted(io, { answer, document }, options);
}

async function accepted(io: Io, { answer, document }: ApplyAnswer, { how, dryRun }: ApplyOptions): Promise<number> {
  const [{ place, writeAnswer }, { inOrder }] = await Promise.all([
    import("../serverApply.ts"),
    import("../document.ts"),
  ]);
  const { revision, changed, warnings, warningsOmitted: omitted = 0 } = writeAnswer(answer);
  const placed = warnings.map((item) => place(document, item, "warning"));
  const found = { problems: inOrder(document, placed), omitted };
  const verdict = verdictOf(found.problems, how);
  if (verdict !== EXIT.ok && !dryRun) return report(io, { ...found, error: NOT_STORED }, how);
  if (how.format === "json") {
    const { problems } = found;
    io.out(jsonText({ ok: verdict === EXIT.ok, dryRun, revision, changed, problems, ...omittedIn(found) }));
    return verdict;
  }
  await report(io, found, how);
  if (how.format === "sarif") return verdict;
  for (const { change, resource } of changed) io.out(`${SIGNS[change]} ${resource}\n`);
  const count = counted(changed.length, "resource");
  io.out(dryRun ? `would change ${count}\n` : `revision ${revision}: changed ${count}\n`);
  return verdict;
}

const NOT_STORED = "nothing was stored: there are warnings, and --strict was given";
const SIGNS = { created: "+", updated: "~", deleted: "-" } as const;
