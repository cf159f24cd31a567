import type { ServerOptions } from "../client.ts";
import type { Declaration } from "../command.ts";
import { type ServerFlags, serverOf, withServer } from "../options.ts";
import { EXIT, type Io, jsonText, table } from "../output.ts";
import type { Revision } from "../serverRead.ts";
import { pageSize, revisionNumber } from "../values.ts";

interface HistoryFlags extends ServerFlags {
  readonly limit: number;
  readonly before?: number;
}

/** `trimtab history [REVISION]`: who changed what, when and why. */
export const history: Declaration = (program, { io, done }) => {
  withServer(program.command("history").argument("[revision]", "its number", revisionNumber))
    .description("who changed what, when and why, newest first; of one revision all that it changed")
    .option("--limit <number>", "revisions that are told, at most 500", pageSize, DEFAULT_LIMIT)
    .option("--before <number>", "only revisions before this one", revisionNumber)
    .action((revision: number | undefined, flags: HistoryFlags) => {
      const { limit, before, json = false } = flags;
      return done(run(io, { server: serverOf(flags), revision, limit, before, json }));
    });
};

/** What fits a screen. */
const DEFAULT_LIMIT = 20;

interface HistoryOptions {
  readonly server: ServerOptions;
  readonly revision: number | undefined;
  readonly limit: number;
  readonly before: number | undefined;
  readonly json: boolean;
}

async function run(io: Io, { server, revision, limit, before, json }: HistoryOptions): Promise<number> {
  const [{ listIn }, { read }] = await Promise.all([import("../client.ts"), import("../serverRead.ts")]);
  if (revision !== undefined) {
    const answer = await read(server, `/v1/revisions/${revision}`);
    listIn(answer, "changes");
    const { config: _, ...info } = answer.body;
    io.out(json ? jsonText(info) : revisionText(info as unknown as Revision));
    return EXIT.ok;
  }
  const cursor = before === undefined ? "" : `&cursor=${before}`;
  const answer = await read(server, `/v1/revisions?limit=${limit}${cursor}`);
  const items = listIn(answer, "items") as unknown as readonly Revision[];
  if (json) io.out(jsonText(answer.body));
  else if (items.length === 0) io.out(before === undefined ? "no revision yet\n" : `no revision before ${before}\n`);
  else io.out(table([["revision", "time", "author", "changed", "message"], ...items.map(rowOf)]));
  return EXIT.ok;
}

function rowOf({ revision, time, author, changes = [], message }: Revision): readonly string[] {
  const count = (word: string): number => changes.filter(({ change }) => change === word).length;
  const changed = `+${count("created")} ~${count("updated")} -${count("deleted")}`;
  return [String(revision), time, author, changed, message];
}

const SIGNS = { created: "+", updated: "~", deleted: "-" } as const;

function revisionText({ revision, time, author, message, changes }: Revision): string {
  const lines = changes.map(({ change, resource }) => `${SIGNS[change]} ${resource}\n`);
  return `revision ${revision}, ${time}, by ${author}${message === "" ? "" : `: ${message}`}\n${lines.join("")}`;
}
