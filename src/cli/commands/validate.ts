import type { Declaration } from "../command.ts";
import { counted, EXIT, type Io, oneLine } from "../output.ts";
import { type Report, type ReportFlags, report, reportOf, withReport } from "../report.ts";

/** `trimtab validate PATHS`: every problem with its place. Exit 1 when there are errors, 3 when warnings are to fail. */
export const validate: Declaration = (program, { io, done }) => {
  withReport(program.command("validate <paths...>"))
    .description("check a model: schema, rules, what each proxy cannot do, what is of no use; `-` reads standard input")
    .action((paths: readonly string[], flags: ReportFlags) => done(run(io, paths, reportOf(flags, program))));
};

async function run(io: Io, paths: readonly string[], how: Report): Promise<number> {
  const { loadJudges } = await import("../../targets/registry.ts");
  const { loadModel } = await import("../offline.ts");
  const { title, problems, snapshot } = await loadModel(paths, loadJudges);
  const code = await report(io, { problems }, how);
  if (code === EXIT.ok && how.format === "text") {
    const counts = (["route", "cluster", "fleet"] as const).map((kind) => counted(snapshot[kind].size, kind));
    io.out(`${oneLine(title)} ${title.endsWith(" files") ? "are" : "is"} valid: ${counts.join(", ")}\n`);
  }
  return code;
}
