/** The tables of secrets: ciphertext by its reference, and the head of the vault that sealed it. No key is known here. */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Change, Kind } from "../model/types.ts";
import { referencesOf, type Sealed, secretKinds } from "../secrets/index.ts";

/** What the store keeps of secrets, for whoever has the key. */
export interface StoredSecrets {
  /** The head of the vault; null: there was none yet. */
  head(): Uint8Array | null;
  /** Stores the head of a new vault. Throws when secrets are stored that another one sealed. */
  begin(head: Uint8Array): void;
  /** Null: there is no such secret. */
  find(reference: string): Uint8Array | null;
  count(): number;
}

/** Statements on the two connections. */
export function createStoredSecrets(writer: DatabaseSync, reader: DatabaseSync): StoredSecrets {
  const head = reader.prepare("SELECT head FROM vault");
  const find = reader.prepare("SELECT box FROM secrets WHERE reference = ?");
  const count = reader.prepare("SELECT count(*) AS n FROM secrets");
  const counted = (): number => (count.get() as { n: number }).n;
  return {
    head: () => (head.get() as { head: Uint8Array } | undefined)?.head ?? null,
    begin(sealed) {
      if (counted() > 0) throw new Error("a vault cannot begin where secrets are stored");
      replaceHead(writer, sealed);
    },
    find: (reference) => (find.get(reference) as { box: Uint8Array } | undefined)?.box ?? null,
    count: counted,
  };
}

/** The only head that the database has from now on. */
export function replaceHead(writer: DatabaseSync, head: Uint8Array): void {
  writer
    .prepare("INSERT INTO vault (id, head) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET head = excluded.head")
    .run(head);
}

/** Prepares what stores a secret inside of a transaction; one that is there stays as it is. */
export function secretInsertion(writer: DatabaseSync): (sealed: Sealed) => void {
  const insert = writer.prepare("INSERT OR IGNORE INTO secrets (reference, box, digest) VALUES (?, ?, ?)");
  return ({ reference, box }) => void insert.run(reference, box, boxDigest(reference, box));
}

/** Prepares what puts another box in the place of a secret's. */
export function secretReplacement(writer: DatabaseSync): (sealed: Sealed) => void {
  const update = writer.prepare("UPDATE secrets SET box = ?, digest = ? WHERE reference = ?");
  return ({ reference, box }) => void update.run(box, boxDigest(reference, box), reference);
}

/** Those of the secrets that came with a write which its changes name. Throws when they name one that is neither there nor among them. */
export function secretsNamed(
  changes: readonly Pick<Change, "kind" | "resource">[],
  came: readonly Sealed[],
  find: StoredSecrets["find"],
): readonly Sealed[] {
  const given = new Map(came.map((sealed) => [sealed.reference, sealed]));
  const named = new Map<string, Sealed>();
  for (const { kind, resource } of changes) {
    if (resource === null || !secretKinds.includes(kind)) continue;
    for (const reference of referencesOf(kind, resource.body)) {
      const sealed = given.get(reference);
      if (sealed !== undefined) named.set(reference, sealed);
      else if (find(reference) === null)
        throw new Error(`write: ${kind} ${resource.name} names a secret that is not there`);
    }
  }
  return [...named.values()];
}

/** 128 bits: what is found without a key is damage; whoever means harm is found out by the box itself, with the key. */
const DIGEST_DIGITS = 32;

function boxDigest(reference: string, box: Uint8Array): string {
  const hash = createHash("sha256").update(`${reference.length}:${reference}${box.length}:`).update(box);
  return hash.digest("hex").slice(0, DIGEST_DIGITS);
}

interface SecretRow {
  readonly reference: string;
  readonly box: Uint8Array;
  readonly digest: string;
}

/** Secrets that are damaged, or that are missing: of the newest model, or with `all` of every revision. */
export function* secretDamages(reader: DatabaseSync, all: boolean): Generator<string> {
  const known = new Set<string>();
  const rows = reader.prepare("SELECT reference, box, digest FROM secrets ORDER BY reference");
  for (const { reference, box, digest } of rows.iterate() as Iterable<SecretRow>) {
    known.add(reference);
    if (boxDigest(reference, box) !== digest) yield `the stored secret ${reference} is not what was written`;
  }
  if (known.size > 0 && reader.prepare("SELECT 1 FROM vault").get() === undefined)
    yield "the head of the vault is missing: no secret can be opened";
  const bodies = reader.prepare(
    `SELECT c.name, c.revision, c.body FROM changes AS c
     ${all ? "" : "JOIN resources AS r ON r.kind = c.kind AND r.name = c.name AND r.revision = c.revision"}
     WHERE c.kind = ? AND c.body IS NOT NULL ORDER BY c.name, c.revision`,
  );
  for (const kind of secretKinds) {
    const named = bodies.iterate(kind) as Iterable<{ name: string; revision: number; body: string }>;
    for (const { name, revision, body } of named) yield* missingIn({ kind, name, revision, body }, known);
  }
}

function* missingIn(
  {
    kind,
    name,
    revision,
    body,
  }: { readonly kind: Kind; readonly name: string; readonly revision: number; readonly body: string },
  known: ReadonlySet<string>,
): Generator<string> {
  const where = `${kind} ${name} at revision ${revision}`;
  try {
    for (const reference of referencesOf(kind, JSON.parse(body)))
      if (!known.has(reference)) yield `the secret ${reference} of ${where} is missing`;
  } catch {
    // Its text may be a secret: it is not repeated.
    yield `${where} cannot be read, or holds a secret that was not sealed`;
  }
}
