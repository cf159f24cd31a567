/**
 * Makes everything in `src/gen` (git-ignored) from `schemas/` and Envoy's API files. Run by set-up when its inputs changed.
 *
 * Output: `gen/model.ts` (types), `gen/schemas.ts` (the schemas as values), `gen/validators.ts` (their validators),
 * `gen/kinds.ts`, `gen/references.ts`, `gen/defaults.ts`, `gen/leafPaths.ts` (what they say, as data), `gen/proto/**`
 * (protobuf messages).
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateModelData } from "./genModelData.ts";
import { generateProtos } from "./genProtos.ts";
import { generateSchemaCode } from "./genSchemas.ts";
import { generateValidators } from "./genValidators.ts";
import { readSchemas } from "./schemas.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Made beside and then swapped: a failure leaves the old code, and readers see it missing for an instant only.
  const out = join(root, "src/gen");
  const next = join(root, "src/gen.tmp");
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next, { recursive: true });
  const schemas = readSchemas();
  const files = { ...generateModelData(schemas), ...(await generateSchemaCode(schemas)) };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(next, name), text);
  writeFileSync(join(next, "validators.ts"), generateValidators(schemas));
  await generateProtos(root, join(next, "proto"));
  rmSync(out, { recursive: true, force: true });
  renameSync(next, out);
}
