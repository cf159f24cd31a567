import { writeFile } from "node:fs/promises";
import { Option } from "commander";
import type { ServerOptions } from "../client.ts";
import type { Declaration } from "../command.ts";
import { type ServerFlags, serverOf, withServer } from "../options.ts";
import { EXIT, type Io, jsonText } from "../output.ts";
import { fileName, revisionNumber } from "../values.ts";

interface ExportFlags extends ServerFlags {
  readonly format?: "yaml" | "json";
  readonly out?: string;
  readonly revision?: number;
}

/** `trimtab export`: the server's whole model, as `apply` and `validate` take it. The same model gives the same bytes. */
export const exportModel: Declaration = (program, { io, done }) => {
  withServer(program.command("export"))
    .description(
      "print the server's whole model, as `validate` and `apply` read it; the same model gives the same bytes",
    )
    .addOption(new Option("--format <format>", "default: yaml").choices(["yaml", "json"]).conflicts("json"))
    .option("--revision <number>", "as it was at this revision", revisionNumber)
    .option("-o, --out <file>", "write it to this file", fileName)
    .action((flags: ExportFlags) => {
      const { json = false, format = json ? "json" : "yaml", out, revision } = flags;
      return done(run(io, { server: serverOf(flags), format, out, revision }));
    });
};

interface ExportOptions {
  readonly server: ServerOptions;
  readonly format: "yaml" | "json";
  /** Undefined: standard output. */
  readonly out: string | undefined;
  /** Undefined: the newest. */
  readonly revision: number | undefined;
}

async function run(io: Io, { server, format, out, revision }: ExportOptions): Promise<number> {
  const { configAt, read } = await import("../serverRead.ts");
  const config = revision === undefined ? (await read(server, "/v1/config")).body : await configAt(server, revision);
  const text = format === "json" ? jsonText(config) : await yamlText(config);
  if (out === undefined) io.out(text);
  else {
    const { notWritten } = await import("../readText.ts");
    await writeFile(out, text).catch((error: unknown) => {
      throw notWritten(out, error);
    });
  }
  return EXIT.ok;
}

async function yamlText(config: unknown): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(config, { aliasDuplicateObjects: false, lineWidth: 0 });
}
