import { loadModel } from "../offline.ts";
import { counted, EXIT, type Io, printProblems } from "../output.ts";

/** `trimtab validate FILE`: every problem with its place. Exit 1 when there are errors; warnings do not count. */
export async function validate(io: Io, options: { readonly file: string; readonly json: boolean }): Promise<number> {
  const { problems, snapshot } = await loadModel(options.file);
  const code = printProblems(io, problems, options.json);
  if (code === EXIT.ok && !options.json) {
    const counts = (["route", "cluster", "fleet"] as const).map((kind) => counted(snapshot[kind].size, kind));
    io.out(`${options.file} is valid: ${counts.join(", ")}\n`);
  }
  return code;
}
