import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { APPLICATION_ID, migrate, migrations } from "./migrations.ts";

const steps = [
  "CREATE TABLE one (n INTEGER) STRICT; INSERT INTO one VALUES (1)",
  "ALTER TABLE one ADD COLUMN m INTEGER DEFAULT 2",
];

function versionOf(database: DatabaseSync): unknown {
  return database.prepare("PRAGMA user_version").get()?.user_version;
}

test("a new database gets every step and our mark", () => {
  const database = new DatabaseSync(":memory:");
  migrate(database);
  expect(versionOf(database)).toBe(migrations.length);
  expect(database.prepare("PRAGMA application_id").get()?.application_id).toBe(APPLICATION_ID);
});

test("an older database gets only the steps that it lacks, and keeps its rows", () => {
  const database = new DatabaseSync(":memory:");
  migrate(database, steps.slice(0, 1));
  migrate(database, steps);
  migrate(database, steps);
  expect(versionOf(database)).toBe(2);
  expect(
    database
      .prepare("SELECT * FROM one")
      .all()
      .map((row) => ({ ...row })),
  ).toEqual([{ n: 1, m: 2 }]);
});

test("a step that fails leaves the version before it, whole", () => {
  const database = new DatabaseSync(":memory:");
  const broken = [...steps, "CREATE TABLE two (n INTEGER); SELECT nonsense"];
  expect(() => migrate(database, broken)).toThrow("nonsense");
  expect(versionOf(database)).toBe(2);
  expect(database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'two'").get()?.n).toBe(0);
  migrate(database, [...steps, "CREATE TABLE two (n INTEGER)"]);
  expect(versionOf(database)).toBe(3);
});

test("a newer database is refused", () => {
  const database = new DatabaseSync(":memory:");
  migrate(database, steps);
  expect(() => migrate(database, steps.slice(0, 1))).toThrow(
    "the database has schema 2, this program knows up to 1: a newer Trimtab wrote it",
  );
});

test("another program's database is refused", () => {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE theirs (n INTEGER)");
  expect(() => migrate(database, steps)).toThrow("not written by Trimtab");
});
