import { Option } from "commander";
import type { Backup, Compacted, StoreReport } from "../../store/index.ts";
import type { Declaration } from "../command.ts";
import { DEFAULT_DATA, type JsonFlag, withData, withSecretKey } from "../options.ts";
import { counted, EXIT, type Io, jsonText } from "../output.ts";
import { fileName } from "../values.ts";

interface StoreFlags extends JsonFlag {
  readonly data: string;
}

interface KeyFlags {
  readonly secretKeyFile?: string;
  readonly newKeyFile?: string;
}

/** `trimtab store check | backup | rotate-key | compact`: a data directory looked at, copied, given another key, made smaller. */
export const store: Declaration = (program, { io, done }) => {
  const group = program.command("store").description("look after a data directory");
  withData(group.command("check"), DEFAULT_DATA)
    .description("tell all that is wrong with a data directory, also beside a running server; changes nothing")
    .option("--json", "print JSON")
    .action((flags: StoreFlags) => done(check(io, flags)));
  withData(group.command("backup <file>"), DEFAULT_DATA)
    .description("write a checked copy of the database to a new file, also while a server runs")
    .option("--json", "print JSON")
    .action((file: string, flags: StoreFlags) => done(backup(io, fileName(file), flags)));
  withData(group.command("rotate-key"), DEFAULT_DATA)
    .description("seal all secrets with another key; their references stay; no server may be running")
    .addOption(withSecretKey())
    .addOption(
      new Option(
        "--new-key-file <file>",
        "the new key (default: one is made and put in the place of the old)",
      ).argParser(fileName),
    )
    .option("--json", "print JSON")
    .action((flags: StoreFlags & KeyFlags) => done(rotate(io, flags)));
  withData(group.command("compact"), DEFAULT_DATA)
    .description(
      "give back the space that the database no longer needs; every revision stays; no server may be running",
    )
    .option("--json", "print JSON")
    .action((flags: StoreFlags) => done(compact(io, flags)));
};

async function rotate(
  io: Io,
  { data, secretKeyFile, newKeyFile, json = false }: StoreFlags & KeyFlags,
): Promise<number> {
  const { rotateKey } = await import("../rotateKey.ts");
  const made = await rotateKey({ data, secretKeyFile, newKeyFile }).catch((error: unknown) =>
    coded((): never => {
      throw error;
    }),
  );
  if (json) io.out(jsonText({ ok: true, ...made }));
  else io.out(`${counted(made.secrets, "secret")} sealed with the key in ${made.keyFile}\n`);
  return EXIT.ok;
}

async function check(io: Io, { data, json = false }: StoreFlags): Promise<number> {
  const { checkStore } = await import("../../store/index.ts");
  const report = checkStore(data);
  const ok = report.damages.length === 0;
  if (json) io.out(jsonText({ ok, ...report }));
  else printReport(io, report);
  return ok ? EXIT.ok : EXIT.failed;
}

function printReport(io: Io, { damages, exposed, revision, bytes }: StoreReport): void {
  for (const { path, mode } of exposed) io.err(`${path}: warning: others may read it (mode ${mode})\n`);
  for (const damage of damages) io.err(`${damage}\n`);
  if (damages.length > 0) io.err("trimtab: the data directory is damaged: restore a backup\n");
  else io.out(`revision ${revision}, ${sizeText(bytes)}: nothing is wrong\n`);
}

async function backup(io: Io, file: string, { data, json = false }: StoreFlags): Promise<number> {
  const { backupStore } = await import("../../store/index.ts");
  const made: Backup = coded(() => backupStore(data, file));
  if (json) io.out(jsonText({ ok: true, file, ...made }));
  else io.out(`revision ${made.revision}, ${sizeText(made.bytes)}, in ${file}\n`);
  return EXIT.ok;
}

async function compact(io: Io, { data, json = false }: StoreFlags): Promise<number> {
  const { compactStore } = await import("../../store/index.ts");
  const sizes: Compacted = coded(() => compactStore(data));
  if (json) io.out(jsonText({ ok: true, ...sizes }));
  else io.out(`${sizeText(sizes.before)} before, ${sizeText(sizes.after)} after\n`);
  return EXIT.ok;
}

/** What is thrown says its code, as the server does. */
function coded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message?: string };
    throw code?.startsWith("STORE-") ? new Error(`${code}: ${message}`, { cause: error }) : error;
  }
}

function sizeText(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
