import { setTimeout as sleep } from "node:timers/promises";
import type { ServerOptions } from "../client.ts";
import type { Declaration } from "../command.ts";
import type { FleetHealth } from "../fleetHealth.ts";
import { type ServerFlags, serverOf, withServer } from "../options.ts";
import { EXIT, type Io, jsonText, table } from "../output.ts";
import { fleetName, revisionNumber, waitSeconds } from "../values.ts";

interface StatusFlags extends ServerFlags {
  readonly wait?: number;
  readonly timeout: number;
}

/** `trimtab status [FLEET]`: which revision each fleet has, and what is wrong. Exit 1 when something is. */
export const status: Declaration = (program, { io, done }) => {
  withServer(program.command("status").argument("[fleet]", "its name", fleetName))
    .description("which revision fleets have, their listeners and proxies, and what is wrong; exit 1 when something is")
    .option(
      "--wait <revision>",
      "until this revision is made for the fleets, and connected proxies have it",
      revisionNumber,
    )
    .option("--timeout <seconds>", "how long to wait; exit 1 after that", waitSeconds, DEFAULT_TIMEOUT)
    .action((fleet: string | undefined, flags: StatusFlags) => {
      const { wait, timeout, json = false } = flags;
      return done(run(io, { server: serverOf(flags), fleet, wait, timeout, json }));
    });
};

/** A reload of files takes seconds. */
const DEFAULT_TIMEOUT = 60;
/** Between two looks. */
const LOOK_MS = 300;

interface StatusOptions {
  readonly server: ServerOptions;
  /** Undefined: all. */
  readonly fleet: string | undefined;
  /** Undefined: tell what is now. */
  readonly wait: number | undefined;
  readonly timeout: number;
  readonly json: boolean;
}

async function run(io: Io, options: StatusOptions): Promise<number> {
  const { wait, timeout, json } = options;
  const deadline = Date.now() + timeout * 1000;
  let fleets = await look(options);
  while (wait !== undefined && !fleets.every((fleet) => isThere(fleet, wait)) && Date.now() < deadline) {
    await sleep(LOOK_MS);
    fleets = await look(options);
  }
  const late = wait === undefined ? [] : fleets.filter((fleet) => !isThere(fleet, wait));
  const ok = late.length === 0 && fleets.every(({ problems }) => problems.length === 0);
  if (json) io.out(jsonText({ ok, fleets, ...(wait === undefined ? {} : { late: late.map(({ fleet }) => fleet) }) }));
  else {
    io.out(fleets.length === 0 ? "no fleets\n" : table([HEAD, ...fleets.map(rowOf)]));
    for (const { fleet, problems } of fleets) for (const text of problems) io.err(`${fleet}: ${text}\n`);
    for (const { fleet } of late) io.err(`${fleet}: does not have revision ${wait} after ${timeout} s\n`);
  }
  return ok ? EXIT.ok : EXIT.failed;
}

async function look({ server, fleet, wait }: StatusOptions): Promise<readonly FleetHealth[]> {
  const { askForFiles, fleetHealths } = await import("../fleetHealth.ts");
  const fleets = await fleetHealths(server, fleet);
  if (wait !== undefined)
    for (const { fleet: name, state } of fleets) if (state === "behind") await askForFiles(server, name);
  return fleets;
}

function isThere({ settled, publishedRevision }: FleetHealth, revision: number): boolean {
  return settled && (publishedRevision ?? 0) >= revision;
}

const HEAD = ["fleet", "state", "revision", "listeners", "proxies", "problems"];

function rowOf({ fleet, state, publishedRevision, listeners, proxies, problems }: FleetHealth): readonly string[] {
  return [fleet, state, ...[publishedRevision ?? "-", listeners, proxies, problems.length].map(String)];
}
