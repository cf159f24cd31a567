/**
 * The command line room.
 *
 * Input: argv and environment. Output: text for people or JSON, and an exit code. Guarantee: offline commands need no server
 * and say what the server would say; every problem carries file, line and column; what goes wrong ends in one line. It has
 * no rules of its own, and the two commands that run a control plane (`serve`, `dev`) are handed in by main.ts.
 */
import { Command, CommanderError } from "commander";
import { addClients, addOffline, addServers, type Runners } from "./declare.ts";
import { EXIT, type Io, jsonText, reasonOf } from "./output.ts";

export type { DevRunOptions, Runners, ServeOptions } from "./declare.ts";

/** What the program does not make itself. */
export interface ProgramContext {
  readonly io: Io;
  readonly runners: Runners;
  readonly version: string;
}

const EXIT_CODES = `
Exit codes:
  0  done, and nothing was wrong
  1  refused or failed; what is wrong stands on standard error, or in the JSON
  2  diff: there is a difference

Examples:
  trimtab validate model.yaml
  trimtab apply --dry-run model.yaml
  trimtab explain model.yaml --fleet edge --url http://shop.example.com/cart
`;

/** Runs one command; gives its exit code. Never throws and never ends the process. */
export async function runProgram(argv: readonly string[], context: ProgramContext): Promise<number> {
  const { io } = context;
  let code: number = EXIT.ok;
  const program = createProgram(context, async (result) => {
    code = await result;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    // commander has said what was wrong with the arguments, or printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failed;
    if (wantsJson(argv)) io.out(jsonText({ ok: false, error: reasonOf(error) }));
    else io.err(`trimtab: ${reasonOf(error)}\n`);
    return EXIT.failed;
  }
}

/** The commands with their options. `done` gets each command's exit code; the reference in docs/ reads the rest. */
export function createProgram(
  { io, runners, version }: ProgramContext,
  done: (result: Promise<number> | number) => Promise<void>,
): Command {
  const program = new Command("trimtab")
    .description("A load-balancer control plane: one model, the same observable behaviour on Envoy, nginx and HAProxy.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .showHelpAfterError()
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .addHelpText("after", EXIT_CODES);
  addServers(program, runners, done);
  addOffline(program, io, done);
  addClients(program, io, done);
  return program;
}

function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end < 0 ? argv : argv.slice(0, end)).includes("--json");
}
