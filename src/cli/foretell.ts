/** What an apply would do, from the server itself: `diff` and `apply` cannot differ. */
import {
  applyChanges,
  type Change,
  carryStates,
  emptySnapshot,
  ownedBy,
  ownerOf,
  type Resource,
  type Snapshot,
  validateConfig,
} from "../model/index.ts";
import {
  createMemoryKeeper,
  type Keeper,
  readReference,
  referencesOf,
  sealConfig,
  secretKinds,
} from "../secrets/index.ts";
import { finish } from "../util/steps.ts";
import type { ServerOptions } from "./client.ts";
import type { LoadedDocument } from "./document.ts";
import { loadDocuments } from "./documents.ts";
import type { Io } from "./output.ts";
import { type Report, report } from "./report.ts";
import {
  isDone,
  MAX_TRIES,
  PRECONDITION_FAILED,
  refused,
  sendApply,
  type WriteAnswer,
  writeAnswer,
} from "./serverApply.ts";
import { serverModel } from "./serverModel.ts";

/** The apply that is asked about. */
interface Wanted {
  readonly paths: readonly string[];
  readonly server: ServerOptions;
  readonly owner: string | undefined;
  readonly force: boolean;
  readonly json: boolean;
}

/** What would change, and the models before and after. `changed` is null when the apply would be refused: that is told. */
export interface Foretold {
  readonly changed: WriteAnswer["changed"] | null;
  readonly before: Snapshot;
  readonly after: Snapshot;
}

const REFUSED: Foretold = { changed: null, before: emptySnapshot, after: emptySnapshot };

/** Asks the server. Throws when it does not answer, or has a model that this program does not understand. */
export async function foretell(io: Io, { paths, server, owner, force, json }: Wanted): Promise<Foretold> {
  const document = await loadDocuments(paths);
  const how: Report = { format: json ? "json" : "text", strict: false, version: "" };
  if (document.problems.length > 0) {
    await report(io, document, how);
    return REFUSED;
  }
  for (let tries = 1; ; tries++) {
    const { snapshot, etag } = await serverModel(server);
    const headers: Record<string, string> = etag === null ? {} : { "if-match": etag };
    const answer = await sendApply(server, { document, headers, dryRun: true, owner, force });
    if (answer.status === PRECONDITION_FAILED && tries < MAX_TRIES) continue;
    if (!isDone(answer)) {
      await refused(io, { answer, document }, how);
      return REFUSED;
    }
    const sealed = { ...document, value: sealedAs(snapshot, document.value) };
    return { changed: writeAnswer(answer).changed, before: snapshot, after: modelOf(sealed, snapshot, owner) };
  }
}

/**
 * The document with references: a private key that the server has, whose public key its reference names, has the server's; a new one
 * has one of this command's, as the server's is not known before it is stored.
 */
function sealedAs(before: Snapshot, document: unknown): unknown {
  const known = new Map<string | null, string>();
  for (const kind of secretKinds)
    for (const { body } of before[kind].values())
      for (const reference of referencesOf(kind, body))
        known.set(readReference(reference)?.publicKey ?? null, reference);
  const memory = createMemoryKeeper();
  const seal: Keeper["seal"] = (type, text) => {
    const sealed = memory.seal(type, text);
    if ("refused" in sealed) return sealed;
    const { publicKey } = readReference(sealed.reference) ?? { publicKey: null };
    return { ...sealed, reference: (publicKey !== null && known.get(publicKey)) || sealed.reference };
  };
  return finish(sealConfig(document, { seal, knows: () => true })).document;
}

/**
 * The document's resources as the server would store them: the owner is this apply's, else their own, else the one they have;
 * canaries stay where they stand.
 */
function modelOf(document: LoadedDocument, before: Snapshot, owner: string | undefined): Snapshot {
  const { resources, diagnostics } = validateConfig(document.value);
  if (diagnostics.length > 0) throw new Error("the server takes more in a model than this version knows");
  const changes = resources.map(({ kind, name, body }): Change => {
    const own = owner ?? ownerOf({ kind, name, body } as Resource) ?? ownerOf(before[kind].get(name));
    const resource = { kind, name, body: own === undefined ? body : ownedBy(own, body) };
    return { kind, name, resource } as Change;
  });
  const carried = finish(carryStates(before, changes));
  return applyChanges(emptySnapshot, [...carried.changes, ...carried.restarted]);
}
