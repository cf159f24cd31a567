import { expect, test } from "vitest";
import { overwrittenLines } from "./overwritten.ts";

const OLD = "routes: [{name: a, x: 1}, {name: b}]\nclusters:\n";
const NEW = "routes: [{name: a, x: 2}, {name: c}]\n";

test("tells what others wrote, not what the edit itself does", () => {
  const edit = [
    { resource: "routes/a", change: "updated" },
    { resource: "routes/b", change: "deleted" },
    { resource: "routes/c", change: "created" },
  ] as const;
  expect(overwrittenLines(edit, { before: OLD, after: NEW })).toEqual([]);
  const undone = [
    { resource: "routes/mine", change: "deleted" },
    { resource: "routes/b", change: "updated" },
    { resource: "routes/a", change: "created" },
  ] as const;
  expect(overwrittenLines(undone, { before: OLD, after: OLD })).toEqual([
    "deleted: routes/mine (the file does not have it)",
    "overwritten: routes/b (with what the file says)",
    "created again: routes/a (the file has it)",
  ]);
});

test("after a start everything that was there may be another's; a long list is cut", () => {
  const changed = [
    { resource: "routes/c", change: "created" },
    ...Array.from({ length: 23 }, (_, index) => ({ resource: `routes/r${index}`, change: "deleted" as const })),
  ] as const;
  const lines = overwrittenLines(changed, { before: null, after: NEW });
  expect(lines).toHaveLength(21);
  expect(lines[0]).toContain("routes/r0");
  expect(lines.at(-1)).toBe("and 3 more");
});
