/**
 * Text that would break out of a configuration file, in every string field: refused with the field's pointer, nothing stored,
 * no proxy changed. Fields that are free text take it, and their meaning is tested in `freeText.test.ts`.
 */
import { beforeAll, expect, it } from "vitest";
import { call, must, problemsOf } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import { base, type Model, merge } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { serveScenario } from "../harness/serve.ts";
import { observe } from "../harness/state.ts";
import { everyField } from "../scenario/everyField.ts";
import { replaced, stringFields, stringLeaves } from "../scenario/stringFields.ts";

/** Fields whose text is the user's own; `pointer` endings. PEM may have text for people around it, which no file gets. */
const freeText =
  /\/(?:description|value|body|exact|regex|serviceRegex|methodRegex|contains|send|expect|chain|privateKey|bundle|crl)$/;
const isFree = (field: string): boolean => freeText.test(field) && !field.endsWith("/path/exact");

const payloads = [
  `x"; }`,
  "x\n}\n",
  "x'; y",
  "x${y}",
  "x%[src]",
  "x #",
  "x\\",
  "x\u0000",
  "x\r\nX-Evil: 1",
  "<%= x %>",
  "{{x}}",
  " ",
];

let model: Model;

beforeAll(async () => {
  await serveScenario();
  model = merge(base(e2e().ports, "never served"), everyField(await freePort("127.0.0.27")));
});

/** The string leaves of our own part: those under names that begin with `ef-`. */
function leaves(): { pointer: string; field: string }[] {
  const own = stringLeaves(everyField(1)).map(({ field }) => field);
  return stringLeaves(model).filter(({ pointer, field }) => own.includes(field) && ownerOf(pointer).startsWith("ef-"));
}

function ownerOf(pointer: string): string {
  const [, kind, index] = pointer.split("/");
  return model[kind as keyof Model][Number(index)]!.name;
}

it("the model writes every string field that the schemas know", () => {
  const written = new Set(stringLeaves(everyField(1)).map(({ field }) => field));
  expect(stringFields().filter((field) => !written.has(field))).toEqual([]);
});

it("the model itself is valid", async () => {
  await must(e2e().program.api, "PUT /v1/config?dryRun=true", { body: model });
});

it('`x"; }` is refused in each field by itself, with its pointer', async () => {
  const before = await observe();
  const wrong: string[] = [];
  for (const { pointer, field } of leaves().filter((leaf) => !isFree(leaf.field))) {
    const answer = await call(e2e().program.api, "PUT /v1/config", {
      body: replaced(model, pointer, (old) => `${old}x"; }`),
    });
    const pointers = problemsOf(answer).map((problem) => problem.pointer);
    if (answer.status !== 422 || !pointers.includes(pointer))
      wrong.push(`${field}: ${answer.status} ${JSON.stringify(pointers)}`);
  }
  expect(wrong).toEqual([]);
  expect(await observe()).toEqual(before);
});

it.each(payloads)("%j in all of them at once: every pointer is told", async (payload) => {
  const before = await observe();
  const targets = leaves().filter(({ field }) => !isFree(field));
  const body = targets.reduce((document, { pointer }) => replaced(document, pointer, (old) => old + payload), model);
  const answer = await call(e2e().program.api, "PUT /v1/config", { body });
  expect(answer.status).toBe(422);
  const told = new Set(problemsOf(answer).map(({ pointer }) => pointer));
  expect(targets.filter(({ pointer }) => !told.has(pointer))).toEqual([]);
  expect(await observe()).toEqual(before);
});

it("control characters are refused in free text too", async () => {
  const before = await observe();
  const targets = leaves().filter(({ field }) => isFree(field));
  expect(targets.length).toBeGreaterThan(5);
  for (const control of ["\u0000", "\u0007", "\u001b", "\u007f"]) {
    const body = targets.reduce((document, { pointer }) => replaced(document, pointer, (old) => old + control), model);
    const answer = await call(e2e().program.api, "PUT /v1/config", { body });
    expect(answer.status).toBe(422);
    const told = new Set(problemsOf(answer).map(({ pointer }) => pointer));
    expect(targets.filter(({ pointer }) => !told.has(pointer))).toEqual([]);
  }
  expect(await observe()).toEqual(before);
});

it("label names are refused too", async () => {
  const before = await observe();
  const body = structuredClone(model);
  body.routes.at(-1)!.labels = { 'x"; }': "y" };
  const answer = await call(e2e().program.api, "PUT /v1/config", { body });
  expect(answer.status).toBe(422);
  expect(problemsOf(answer)[0]?.pointer).toMatch(/\/labels/);
  expect(await observe()).toEqual(before);
});
