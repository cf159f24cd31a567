/** What is admitted at the schema's limits is rendered, and the real proxies load it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { STRETCHES, stretched } from "./atLimits.ts";
import { checkRendered, compileDocument, renderFleet } from "./modelFiles.ts";

const PROXIES = ["envoy", "nginx", "haproxy"] as const;
const NAMES = Object.keys(STRETCHES);
/** Each pair is looked at on one proxy: half a second. */
const RUNS = Number(process.env.TRIMTAB_LIMIT_PAIRS ?? 15);
const SEED = Number(process.env.TRIMTAB_SEED ?? Date.now() % 2 ** 31);
const TIMEOUT_MS = 10 * 60 * 1000;

/** Codes that refuse it; "loaded": it is admitted and the proxy takes it. */
async function verdict(proxy: string, names: readonly string[]): Promise<string> {
  const { compiled, diagnostics } = compileDocument(stretched(proxy, names));
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (compiled === null) return [...new Set(errors.map(({ code }) => code))].join(" ");
  for (const ir of compiled.fleets.values()) {
    const { ok, message } = await checkRendered(ir, renderFleet(ir));
    if (!ok) return `NOT LOADED: ${message.slice(0, 500)}`;
  }
  return "loaded";
}

describe("at a limit of the schema", () => {
  test.each(NAMES)("%s: loaded by all three", { timeout: TIMEOUT_MS }, async (name) => {
    const verdicts = await Promise.all(PROXIES.map((proxy) => verdict(proxy, [name])));
    expect(verdicts).toEqual(["loaded", "loaded", "loaded"]);
  });
});

test(`two at once: refused with a code, or loaded (seed ${SEED})`, { timeout: TIMEOUT_MS }, async () => {
  const pair = fc.tuple(fc.constantFrom(...PROXIES), fc.constantFrom(...NAMES), fc.constantFrom(...NAMES));
  await fc.assert(
    fc.asyncProperty(pair, async ([proxy, ...names]) => {
      expect(await verdict(proxy, names)).toMatch(/^(?:loaded|[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+(?: [A-Z0-9-]+)*)$/);
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  );
});
