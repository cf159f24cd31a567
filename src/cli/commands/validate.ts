import type { Declaration } from "../command.ts";
import type { JsonFlag } from "../options.ts";
import { counted, EXIT, type Io, printProblems } from "../output.ts";

/** `trimtab validate FILE`: every problem with its place. Exit 1 when there are errors; warnings do not count. */
export const validate: Declaration = (program, { io, done }) => {
  program
    .command("validate <file>")
    .description("check a model: schema, rules, what each proxy cannot do; `-` reads standard input")
    .option("--json", "print JSON")
    .action((file: string, { json = false }: JsonFlag) => done(run(io, file, json)));
};

async function run(io: Io, file: string, json: boolean): Promise<number> {
  const { loadJudges } = await import("../../targets/registry.ts");
  const { loadModel } = await import("../offline.ts");
  const { problems, snapshot } = await loadModel(file, loadJudges);
  const code = printProblems(io, problems, json);
  if (code === EXIT.ok && !json) {
    const counts = (["route", "cluster", "fleet"] as const).map((kind) => counted(snapshot[kind].size, kind));
    io.out(`${file} is valid: ${counts.join(", ")}\n`);
  }
  return code;
}
