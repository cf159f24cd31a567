/** How commands that judge a model tell what they found: for people, for machines, for services that show it beside the lines. */
import { type Command, Option } from "commander";
import type { PlacedProblem } from "./document.ts";
import { counted, EXIT, type Io, jsonText, printProblems, shownProblem } from "./output.ts";

const FORMATS = ["text", "json", "github", "sarif"] as const;
type Format = (typeof FORMATS)[number];

/** What `withReport` reads. */
export interface ReportFlags {
  readonly format: Format;
  readonly json?: boolean;
  readonly strict?: boolean;
}

/** How to tell problems, and what they amount to. */
export interface Report {
  readonly format: Format;
  /** Warnings fail. */
  readonly strict: boolean;
  /** Of the program. */
  readonly version: string;
}

/** Of commands that judge a model, or have a server judge it. */
export function withReport(command: Command): Command {
  return command
    .addOption(
      new Option("--format <format>", "how problems are told; github: annotations of a workflow; sarif: 2.1.0")
        .choices(FORMATS)
        .default("text"),
    )
    .addOption(new Option("--json", "as --format json").conflicts("format"))
    .option("--strict", "warnings fail too, with exit code 3");
}

/** What the flags ask for; the program's version stands at the root of commands. */
export function reportOf({ format, json = false, strict = false }: ReportFlags, program: Command): Report {
  return { format: json ? "json" : format, strict, version: program.version() ?? "" };
}

/** The exit code that problems ask for. */
export function verdictOf(problems: readonly PlacedProblem[], { strict }: Pick<Report, "strict">): number {
  if (problems.some(({ severity }) => severity === "error")) return EXIT.failed;
  return strict && problems.length > 0 ? EXIT.warned : EXIT.ok;
}

/** What a command has to tell beside what it did. */
export interface Found {
  readonly problems: readonly PlacedProblem[];
  /** How many more there are, which a server keeps to itself. */
  readonly omitted?: number;
  /** What is wrong as a whole, beside the problems. */
  readonly error?: string | undefined;
}

/** Prints what was found; gives the exit code that it asks for. For people it stands on standard error, else on standard output. */
export async function report(io: Io, found: Found, how: Report): Promise<number> {
  const { error } = found;
  const problems = found.problems.map(shownProblem);
  const verdict = verdictOf(problems, how);
  if (how.format === "json") {
    io.out(
      jsonText({ ok: verdict === EXIT.ok, ...(error === undefined ? {} : { error }), problems, ...omittedIn(found) }),
    );
    return verdict;
  }
  if (how.format === "text") printProblems(io, problems, false);
  else if (how.format === "github") io.out((await import("./formats/github.ts")).githubText(problems));
  else io.out(jsonText((await import("./formats/sarif.ts")).sarifLog(problems, how.version)));
  tellOmitted(io, found);
  if (error !== undefined && how.format === "github")
    io.out((await import("./formats/github.ts")).githubFailure(error));
  else if (error !== undefined) io.err(`trimtab: ${error}\n`);
  return verdict;
}

/** How many problems were left out, as JSON says it. */
export function omittedIn({ omitted = 0 }: Found): { readonly problemsOmitted?: number } {
  return omitted > 0 ? { problemsOmitted: omitted } : {};
}

function tellOmitted(io: Io, { problems, omitted = 0 }: Found): void {
  if (omitted === 0) return;
  const isRefusal = problems.some(({ severity }) => severity === "error");
  io.err(isRefusal ? `and ${omitted} more\n` : `and ${counted(omitted, "warning")} about the rest of the model\n`);
}
