import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FleetIr } from "../ir/index.ts";
import { pointerTokens } from "../util/pointer.ts";
import { collectionOf, plain } from "./arbitrary/names.ts";
import { anyDocument, arbitraryModel, shuffled } from "./arbitraryModel.ts";
import { checkRendered, compileDocument, renderedText, renderFleet } from "./modelFiles.ts";

/** Each run checks one model on three real proxies: about a quarter of a second. */
const RUNS = Number(process.env.TRIMTAB_MODELS ?? 300);
const SEED = Number(process.env.TRIMTAB_SEED ?? Date.now() % 2 ** 31);
const TIMEOUT_MS = 15 * 60 * 1000;

/** Whether the document has, at the pointer, a value or (of a missing field) what it belongs into. */
function leadsSomewhere(document: unknown, at: string): boolean {
  const [...tokens] = pointerTokens(at);
  tokens.pop();
  let value: unknown = document;
  for (const token of tokens) value = (value as Record<string, unknown> | undefined)?.[token];
  return value !== undefined;
}

function fleetsOf(document: unknown): FleetIr[] {
  const { compiled, diagnostics } = compileDocument(document);
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return [...(compiled?.fleets.values() ?? [])];
}

describe(`any valid model (seed ${SEED}, ${RUNS} models; TRIMTAB_SEED repeats it)`, () => {
  console.log(`anyModel.test.ts: seed ${SEED}, ${RUNS} models`);

  test("every output is accepted by the proxy's own checker", { timeout: TIMEOUT_MS }, async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryModel, async (document) => {
        const results = fleetsOf(document).map(async (ir) => {
          const { ok, message } = await checkRendered(ir.proxy, renderFleet(ir));
          return `${ir.proxy} ${ok ? "ok" : message}`;
        });
        expect(await Promise.all(results)).toEqual(["envoy ok", "haproxy ok", "nginx ok"]);
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
  });

  test("equal models in shuffled order, and IR sent through JSON, give equal bytes", { timeout: TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(
        arbitraryModel,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (document, numbers) => {
          const other = shuffled(document, () => numbers.next().value as number);
          const texts = [fleetsOf(document), fleetsOf(other)].map((fleets) =>
            fleets.map((ir) => renderedText(renderFleet(ir))),
          );
          expect(texts[1]).toEqual(texts[0]);
          expect(fleetsOf(document).map((ir) => renderedText(renderFleet(ir, true)))).toEqual(texts[0]);
        },
      ),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
  });

  test("any document is admitted, or problems are told at places that it has", { timeout: TIMEOUT_MS }, () => {
    let refused = 0;
    fc.assert(
      fc.property(anyDocument, (document) => {
        const { compiled, diagnostics } = compileDocument(plain(document));
        const errors = diagnostics.filter(({ severity }) => severity === "error");
        expect(errors.length === 0).toBe(compiled !== null);
        if (compiled === null) refused += 1;
        for (const { resource, pointer } of errors) {
          const list = document[collectionOf(resource?.kind ?? "fleet")] ?? [];
          const item = resource === undefined ? document : list.find(({ name }) => name === resource.name);
          expect({ item: item !== undefined, pointer, leads: leadsSomewhere(item, pointer) }).toEqual({
            item: true,
            pointer,
            leads: true,
          });
        }
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
    // Otherwise hardly a document was refused, and nothing was shown.
    expect(refused).toBeGreaterThan(RUNS / 10);
  });
});
