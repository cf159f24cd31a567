/**
 * docs/timeouts.md on real Envoy, nginx and HAProxy: every situation comes to the end that its table says. Which end, not when: a limit is
 * either short, or longer than anybody looks. `npm run timeouts` plays all of them and prints times. UPDATE_GOLDEN=1 writes the table.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../tooling/tidy/sources.ts";
import { playAll, type Row } from "./timeouts/play.ts";
import { expectedOf, nameOf, type Situation } from "./timeouts/situation.ts";
import { situations } from "./timeouts/situations.ts";
import { KINDS, type Stand, startStand } from "./timeouts/stand.ts";
import { tableText } from "./timeouts/table.ts";

const DOC = join(root, "docs/timeouts.md");
const TABLE = /(?<=<!-- table -->\n)[\s\S]*(?=\n<!-- end of table -->)/;
/** Of the heavy ones only this: the others take a while, and `npm run timeouts` plays them. */
const HEAVY = "client pauses reading [idle]";
const PLAY_TIMEOUT_MS = 120_000;

const played = situations.filter((situation) => !situation.isHeavy || nameOf(situation) === HEAVY);
let stand: Stand;
let rows: readonly Row[];

beforeAll(async () => {
  stand = await startStand(played);
  rows = await playAll(stand, played);
}, PLAY_TIMEOUT_MS);

afterAll(() => stand.stop());

describe.each(KINDS)("%s", (proxy) => {
  test.each(played.map((situation, index) => [nameOf(situation), situation, index] as const))(
    "%s",
    (_name, situation: Situation, index) => {
      expect(rows[index]?.[proxy].seen).toBe(expectedOf(situation, proxy));
    },
  );
});

test("the table of docs/timeouts.md is made of the situations", () => {
  const text = readFileSync(DOC, "utf8");
  const made = text.replace(TABLE, `\n${tableText(situations)}\n`);
  if (process.env.UPDATE_GOLDEN) writeFileSync(DOC, made);
  else expect(text).toBe(made);
});

test("no situation stands there twice", () => {
  const names = situations.map(nameOf);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
