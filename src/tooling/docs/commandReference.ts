/** `docs/reference/cli.md`: every command with its options, from the program's own declarations. */
import type { Command, Option } from "commander";
import { loadDeclarations } from "../../cli/declare.ts";
import { createProgram, EXIT_CODES } from "../../cli/program.ts";
import { code, pageHead, table } from "./markdown.ts";

const INTRO = `Every command of \`trimtab\`. \`--json\` prints one JSON value on standard output for machines; problems carry file,
line and column. An option that has an environment variable is taken from there when it is not given. PATHS are files and
folders, together one model; \`-\` is standard input. [In a pipeline](../ci.md) has the formats and the exit codes in use.`;

/** The whole page. */
export async function commandReference(): Promise<string> {
  const none = async (): Promise<number> => 0;
  const io = { out: () => {}, err: () => {} };
  const program = createProgram(
    { io, runners: { serve: none, dev: none, agent: none }, version: "" },
    { declarations: await loadDeclarations(""), done: async () => {} },
  );
  const commands = program.commands.flatMap((command) => (command.commands.length > 0 ? command.commands : [command]));
  const overview = table(
    ["command", "does"],
    commands.map((command) => [
      `[${code(nameOf(command))}](#trimtab-${nameOf(command).replaceAll(" ", "-")})`,
      prose(command.description()),
    ]),
  );
  const exits = table(
    ["exit code", "means"],
    Object.entries(EXIT_CODES).map(([number, text]) => [number, text]),
  );
  return `${pageHead("Command line", INTRO)}\n${overview}\n${exits}\n${commands.map(section).join("\n")}`;
}

/** With that of the command that it belongs to: `store check`. */
function nameOf(command: Command): string {
  const above = command.parent;
  return above === null || above.parent === null ? command.name() : `${nameOf(above)} ${command.name()}`;
}

function section(command: Command): string {
  const usage = [
    `trimtab ${nameOf(command)} [options]`,
    ...command.registeredArguments.map((argument) => {
      const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
      return argument.required ? `<${name}>` : `[${name}]`;
    }),
  ].join(" ");
  const rows = command.options.map((option) => [code(option.flags), prose(option.description), defaultText(option)]);
  return `## trimtab ${nameOf(command)}\n\n${sentence(command.description())}\n\n    ${usage}\n\n${table(["option", "means", "default"], rows)}`;
}

function defaultText(option: Option): string {
  const { defaultValue, envVar, mandatory, argChoices } = option;
  const shown = option.defaultValueDescription ?? (defaultValue === undefined ? undefined : code(String(defaultValue)));
  return [
    mandatory && defaultValue === undefined ? "must be given" : undefined,
    shown,
    envVar === undefined ? undefined : `environment ${code(envVar)}`,
    argChoices === undefined ? undefined : `one of ${argChoices.map(code).join(", ")}`,
  ]
    .filter((part) => part !== undefined)
    .join("; ");
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${prose(text.slice(1))}.`;
}

/** `DIR/<fleet>/` is no tag. */
function prose(text: string): string {
  return text.replaceAll("<", "\\<");
}
