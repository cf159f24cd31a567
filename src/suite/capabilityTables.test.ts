/**
 * What proxies warn of or refuse stands in their capability tables: every diagnostic of the gate, on random models and random
 * edits of them, points at a field (or at what holds it) of which the table says the same, by code.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ErrorCodes } from "../errors/codes.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { ProxyKind } from "../ir/index.ts";
import { createPipeline } from "../pipeline/index.ts";
import { sharedTargetCodes } from "../targets/codes.ts";
import { PROXY_KINDS } from "../targets/registry.ts";
import { deviationsOf } from "../targets/target.ts";
import { arbitraryEdit } from "./arbitrary/edits.ts";
import { plain } from "./arbitrary/names.ts";
import { arbitraryModel, modelOf } from "./arbitraryModel.ts";
import { leafPathOf, targets } from "./modelFiles.ts";
import { freshSnapshot, outcomesOf } from "./outcome.ts";

const MODELS = 60;
const SEED = Number(process.env.TRIMTAB_SEED ?? Date.now() % 2 ** 31);
/** Each makes other verdicts possible, and many are no valid model. */
const EDITS = 8;
const TIMEOUT_MS = 60_000;

/** Codes of what no field asks for: a fleet as a whole, with the reason. */
const OF_WHOLE_FLEETS: Readonly<Record<string, string>> = {
  "L7-SCALE": "of the number of clusters",
};

function codesOfTable(proxy: ProxyKind): ReadonlyMap<string, readonly string[]> {
  const codes = new Map<string, string[]>();
  for (const [leaf, support] of Object.entries(targets.get(proxy).capabilities)) {
    for (const { code } of deviationsOf(support)) codes.set(code, [...(codes.get(code) ?? []), leaf]);
  }
  return codes;
}

/** Null: the table says it of the field, of one in what the diagnostic points at, or of any where it points at no document. */
function oddity(found: Diagnostic): string | null {
  const { code, resource, pointer, proxy } = found;
  if (proxy === undefined || code in OF_WHOLE_FLEETS) return null;
  const place = resource === undefined ? "" : leafPathOf(found);
  const leaves = codesOfTable(proxy as ProxyKind).get(code) ?? [];
  const isThere = leaves.some((leaf) => leaf === place || leaf.startsWith(`${place}.`) || leaf.startsWith(`${place}[`));
  return isThere || (place === "" && leaves.length > 0) ? null : `${proxy} ${code} at ${resource?.kind}${pointer}`;
}

test(`verdicts on random models (seed ${SEED}; TRIMTAB_SEED repeats it)`, { timeout: TIMEOUT_MS }, () => {
  console.log(`capabilityTables.test.ts: seed ${SEED}`);
  const odd = new Set<string>();
  const codes = new Set<string>();
  const model = fc.oneof(arbitraryModel, ...PROXY_KINDS.map(modelOf));
  for (const [document, edits] of fc.sample(fc.tuple(model, fc.array(arbitraryEdit, { maxLength: EDITS })), {
    seed: SEED,
    numRuns: MODELS,
  })) {
    const edited = plain(document);
    const pipeline = createPipeline(targets);
    for (const edit of edits) {
      edit(edited);
      const snapshot = freshSnapshot(edited);
      if (snapshot === null) break;
      for (const { verdicts } of outcomesOf(pipeline, snapshot).values()) {
        for (const verdict of verdicts) {
          codes.add(verdict.code);
          const problem = oddity(verdict);
          if (problem !== null) odd.add(problem);
        }
      }
    }
  }
  expect([...odd].sort()).toEqual([]);
  // Without verdicts nothing is shown.
  expect(codes.size).toBeGreaterThan(2);
});

describe.each(PROXY_KINDS)("%s", (proxy) => {
  test("every code that only it has stands in its table", async () => {
    const own = Object.values((await import(`../targets/${proxy}/codes.ts`)) as Record<string, ErrorCodes>);
    const codes = own.flatMap((each) => Object.keys(each));
    expect(codes.length).toBeGreaterThan(0);
    const table = codesOfTable(proxy);
    expect(codes.filter((code) => !table.has(code) && !(code in OF_WHOLE_FLEETS))).toEqual([]);
  });
});

test("every code that several have stands in a table of theirs", () => {
  const tables = PROXY_KINDS.map(codesOfTable);
  expect(Object.keys(sharedTargetCodes).filter((code) => !tables.some((table) => table.has(code)))).toEqual([]);
});
