/** What commands print: for people on the terminal, for machines with `--json`. */
import { hideSecrets } from "../util/hideSecrets.ts";
import type { PlacedProblem } from "./document.ts";

/** Exit codes of every command; `program.ts` says what each means. */
export const EXIT = { ok: 0, failed: 1, different: 2, usage: 2, warned: 3 } as const;

/** Where output goes; injected so that commands can be tested. */
export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** The process's own streams. */
export const processIo: Io = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
};

/** `file:line:column: error CODE pointer: message`, as editors understand it: always one line. */
export function problemLine(problem: PlacedProblem): string {
  const { file, line, column, severity, code, pointer, message } = shownProblem(problem);
  return `${oneLine(`${file}:${line}:${column}: ${severity} ${code} ${pointer || "/"}: ${message}`)}\n`;
}

/** What quotes the document may quote a secret that stands in a wrong place: that is left out. */
export function shownProblem(problem: PlacedProblem): PlacedProblem {
  return { ...problem, pointer: hideSecrets(problem.pointer), message: hideSecrets(problem.message) };
}

/** Names of files and keys hold what they like: it forges no line, and no command of a terminal or a CI service. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The text of whatever was thrown, on one line and without a stack trace. */
export function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return oneLine(text.replace(/\s*\n\s*/g, " ").trim());
}

/** `1 file`, `2 files`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** One JSON value and a newline. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Prints problems for people or machines; gives the exit code that they ask for. */
export function printProblems(io: Io, problems: readonly PlacedProblem[], json: boolean): number {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  if (json) io.out(jsonText({ ok: errors === 0, problems: problems.map(shownProblem) }));
  else for (const problem of problems) io.err(problemLine(problem));
  return errors > 0 ? EXIT.failed : EXIT.ok;
}

/** Columns padded to their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
