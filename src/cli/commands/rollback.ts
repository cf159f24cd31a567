import type { ResourceChange } from "../changes.ts";
import type { Answer, ServerOptions, ServerProblem } from "../client.ts";
import type { Declaration } from "../command.ts";
import type { FleetEffect } from "../effects.ts";
import { type OwnerFlags, type ServerFlags, serverOf, withServer } from "../options.ts";
import { counted, EXIT, type Io, jsonText } from "../output.ts";
import { omittedIn } from "../report.ts";
import { ownerName, revisionNumber } from "../values.ts";
import { note } from "../writeNote.ts";

interface RollbackFlags extends ServerFlags, OwnerFlags {
  readonly dryRun?: boolean;
  readonly message?: string;
  readonly author?: string;
}

/** `trimtab rollback REVISION`: the model as it was then, as a new revision, with what that changes and does to the proxies. */
export const rollback: Declaration = (program, { io, done }) => {
  withServer(program.command("rollback").argument("<revision>", "its number", revisionNumber))
    .description(
      "make the model what it was at a revision, by a new one; tells what changes, and what the proxies notice",
    )
    .option("--dry-run", "tell only, store nothing")
    .option("--owner <label>", "whose resources may be written", ownerName)
    .option("--force", "also write resources of other owners")
    .option("--message <text>", "kept with the revision")
    .option("--author <name>", "kept with the revision")
    .action((revision: number, flags: RollbackFlags) => {
      const { dryRun = false, owner, force = false, message, author, json = false } = flags;
      const headers = { ...note("message", message), ...note("author", author) };
      const query = new URLSearchParams({
        ...(owner === undefined ? {} : { owner }),
        ...(force ? { force: "true" } : {}),
      });
      return done(run(io, { revision, server: serverOf(flags), dryRun, headers, query, json }));
    });
};

interface RollbackOptions {
  readonly revision: number;
  readonly server: ServerOptions;
  readonly dryRun: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly json: boolean;
}

async function run(io: Io, { revision, server, dryRun, headers, query, json }: RollbackOptions): Promise<number> {
  const [
    { isObject, send },
    { configAt, modelOf, replacedBy },
    { serverModel },
    { changesOf },
    { effectsBetween },
    { writeAnswer },
  ] = await Promise.all([
    import("../client.ts"),
    import("../serverRead.ts"),
    import("../serverModel.ts"),
    import("../changes.ts"),
    import("../effects.ts"),
    import("../serverApply.ts"),
  ]);
  const { snapshot: before, etag } = await serverModel(server);
  const after = replacedBy(before, modelOf(await configAt(server, revision)));
  if (dryRun) query.set("dryRun", "true");
  const path = `/v1/revisions/${revision}/restore${query.size > 0 ? `?${query}` : ""}`;
  // What was looked at is what is changed: somebody else's write in between is not undone unseen.
  const conditions: Record<string, string> = etag === null ? {} : { "if-match": etag };
  const answer = await send(server, { method: "POST", path, headers: { ...headers, ...conditions } });
  if (answer.status !== 200 || !isObject(answer.body)) return refused(io, answer, json);
  const { revision: now, changed, warnings } = writeAnswer(answer);
  const changes = changesOf(changed, { before, after });
  const effects = await effectsBetween(before, after);
  if (json) io.out(jsonText({ ok: true, dryRun, revision: now, restored: revision, changes, effects, warnings }));
  else {
    await printChanges(io, changes, effects);
    for (const { resource, pointer, message } of warnings) io.err(`warning: ${resource ?? ""}${pointer}: ${message}\n`);
    const count = counted(changed.length, "resource");
    io.out(dryRun ? `would change ${count}\n` : `revision ${now}: changed ${count}, as at revision ${revision}\n`);
  }
  return EXIT.ok;
}

/** Each reason is a line; throws when the server gives none but the whole. */
async function refused(io: Io, answer: Answer, json: boolean): Promise<number> {
  const { isObject, refusalText } = await import("../client.ts");
  const body: ServerProblem = isObject(answer.body) ? answer.body : {};
  const { errors: problems = [], errorsOmitted = 0 } = body;
  if (problems.length === 0) throw new Error(refusalText(answer));
  const error = refusalText({ ...answer, body: { ...body, errors: [] } });
  if (json) io.out(jsonText({ ok: false, error, problems, ...omittedIn({ problems: [], omitted: errorsOmitted }) }));
  else {
    for (const { code, resource = "", pointer, message } of problems)
      io.err(`error ${code} ${`${resource}${pointer}` || "/"}: ${message}\n`);
    if (errorsOmitted > 0) io.err(`and ${errorsOmitted} more\n`);
    io.err(`trimtab: ${error}\n`);
  }
  return EXIT.failed;
}

async function printChanges(
  io: Io,
  changes: readonly ResourceChange[],
  effects: readonly FleetEffect[],
): Promise<void> {
  const [{ changeText }, { EFFECT_TEXTS }] = await Promise.all([import("../changeText.ts"), import("../effects.ts")]);
  for (const change of changes) io.out(changeText(change));
  for (const { fleet, effect } of effects) if (effect !== "none") io.out(`fleet ${fleet} ${EFFECT_TEXTS[effect]}\n`);
}
