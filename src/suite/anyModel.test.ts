import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FleetIr } from "../ir/index.ts";
import type { Rendered } from "../targets/target.ts";
import { pointerTokens } from "../util/pointer.ts";
import { collectionOf, plain } from "./arbitrary/names.ts";
import { anyDocument, arbitraryModel, shuffled } from "./arbitraryModel.ts";
import { giveWay } from "./giveWay.ts";
import { checkRendered, compileDocument, renderedText, renderFleet } from "./modelFiles.ts";

/** Each run checks one model on three real proxies: about a quarter of a second. Each run of the suite has other models. */
const RUNS = Number(process.env.TRIMTAB_MODELS ?? 200);
const SEED = Number(process.env.TRIMTAB_SEED ?? Date.now() % 2 ** 31);
const TIMEOUT_MS = 15 * 60 * 1000;

giveWay();

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

  const title =
    "every output is accepted by the proxy's own checker; shuffled models, and IR sent through JSON, give equal bytes";
  test(title, { timeout: TIMEOUT_MS }, async () => {
    const numbers = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(arbitraryModel, numbers, async (document, drawn) => {
        const fleets = fleetsOf(document);
        const rendered = fleets.map((ir) => renderFleet(ir));
        const results = fleets.map(async (ir, index) => {
          const { ok, message } = await checkRendered(ir, rendered[index] as Rendered);
          return `${ir.proxy} ${ok ? "ok" : message}`;
        });
        expect(await Promise.all(results)).toEqual(["envoy ok", "haproxy ok", "nginx ok"]);
        const texts = rendered.map(renderedText);
        const other = fleetsOf(shuffled(document, () => drawn.next().value as number));
        expect(other.map((ir) => renderedText(renderFleet(ir)))).toEqual(texts);
        expect(fleets.map((ir) => renderedText(renderFleet(ir, true)))).toEqual(texts);
      }),
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
