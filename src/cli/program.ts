/** The program: runs one command and turns whatever happens into an exit code. */
import { Command, CommanderError } from "commander";
import { hintAtChoices } from "./choiceHints.ts";
import type { CommandContext, Declaration, Runners } from "./command.ts";
import { isCommand, loadDeclarations } from "./declare.ts";
import { EXIT, type Io, jsonText, reasonOf } from "./output.ts";

export type { AgentOptions, DevRunOptions, Runners, ServeOptions } from "./command.ts";

/** What the program does not make itself. */
export interface ProgramContext {
  readonly io: Io;
  readonly runners: Runners;
  readonly version: string;
}

/** What each exit code says. */
export const EXIT_CODES: Readonly<Record<number, string>> = {
  [EXIT.ok]: "done, and nothing was wrong",
  [EXIT.failed]: "refused or failed; what is wrong stands on standard error, or in the JSON",
  [EXIT.warned]: "there are warnings, and `--strict` was given",
  [EXIT.usage]:
    "the command line is wrong, nothing was done; `diff`: there is a difference (a wrong command line is 1 there)",
};

/** What they print needs no command. */
const VERSION_FLAGS: readonly string[] = ["-V", "--version"];

const EXAMPLES = `Examples:
  trimtab validate model.yaml
  trimtab apply --dry-run model.yaml
  trimtab explain model.yaml --fleet edge --url http://shop.example.com/cart
`;

function helpEnd(): string {
  const codes = Object.entries(EXIT_CODES).map(([code, text]) => `  ${code}  ${text}\n`);
  return `\nExit codes:\n${codes.join("")}\n${EXAMPLES}`;
}

/** Runs one command; gives its exit code. Never throws and never ends the process. */
export async function runProgram(argv: readonly string[], context: ProgramContext): Promise<number> {
  const { io } = context;
  let code: number = EXIT.ok;
  const done = async (result: Promise<number> | number): Promise<void> => {
    code = await result;
  };
  const [first = ""] = argv;
  const declarations = VERSION_FLAGS.includes(first) ? [] : await loadDeclarations(first);
  const program = createProgram(context, { declarations, done });
  try {
    await program.parseAsync([...known(argv)], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return await usageProblem(error, argv, context);
    if (!(await tellFailure(context, reasonOf(error), argv))) io.err(`trimtab: ${reasonOf(error)}\n`);
    return EXIT.failed;
  }
}

/** Help for what is no command is answered as the command would be: it says what was probably meant. */
function known(argv: readonly string[]): readonly string[] {
  const [first, second] = argv;
  return first === "help" && second !== undefined && !isCommand(second) ? [second] : argv;
}

/** commander has said on standard error what is wrong with the arguments, or printed the help that was asked for. */
async function usageProblem(
  { exitCode, code, message }: CommanderError,
  argv: readonly string[],
  context: ProgramContext,
): Promise<number> {
  if (exitCode === 0) return EXIT.ok;
  const reason = code === "commander.help" ? "a command is needed" : message.replace(/^error: /, "");
  await tellFailure(context, reasonOf(reason), argv);
  // What `diff` ends with when there is a difference must not come of a slip.
  return argv.find(isCommand) === "diff" ? EXIT.failed : EXIT.usage;
}

/** The declared commands with their options. `done` gets each command's exit code; the reference in docs/ reads the rest. */
export function createProgram(
  { io, runners, version }: ProgramContext,
  { declarations, done }: Pick<CommandContext, "done"> & { readonly declarations: readonly Declaration[] },
): Command {
  const program = new Command("trimtab")
    .description("A load-balancer control plane: one model, the same observable behaviour on Envoy, nginx and HAProxy.")
    .version(version, VERSION_FLAGS.join(", "), "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .showHelpAfterError()
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .addHelpText("after", helpEnd());
  for (const declare of declarations) declare(program, { io, runners, done });
  hintAtChoices(program);
  return program;
}

/** The value of `--format`, or what `--json` is short for; known before a command line is found good. */
function formatOf(argv: readonly string[]): string | undefined {
  const end = argv.indexOf("--");
  const words = (end < 0 ? argv : argv.slice(0, end)).join(" ");
  return /(?:^| )--json(?: |$)/.test(words) ? "json" : /(?:^| )--format[ =](\S+)/.exec(words)?.[1];
}

/** Whoever reads the output finds there that there is none. Gives whether people see it too. */
async function tellFailure({ io, version }: ProgramContext, reason: string, argv: readonly string[]): Promise<boolean> {
  const format = formatOf(argv);
  if (format === "json") io.out(jsonText({ ok: false, error: reason }));
  else if (format === "github") io.out((await import("./formats/github.ts")).githubFailure(reason));
  else {
    // A log is for another program, and mostly goes to a file.
    if (format === "sarif") io.out(jsonText((await import("./formats/sarif.ts")).sarifFailure(reason, version)));
    return false;
  }
  return true;
}
