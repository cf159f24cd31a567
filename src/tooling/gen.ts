/**
 * Makes everything in `src/gen` (git-ignored) from `schemas/` and Envoy's API files. Run by set-up when its inputs changed.
 *
 * Output: `gen/model.ts` (types), `gen/schemas.ts` (the schemas as values), `gen/validators.ts` (their validators),
 * `gen/leafPaths.ts` (every leaf of every kind), `gen/proto/**` (protobuf messages).
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateProtos } from "./genProtos.ts";
import { generateSchemaCode, type NamedSchema } from "./genSchemas.ts";
import { generateValidators } from "./genValidators.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Reads all of `schemas/`, in file-name order. */
export function readSchemas(): NamedSchema[] {
  const folder = join(root, "schemas");
  return readdirSync(folder)
    .filter((file) => file.endsWith(".schema.json"))
    .sort()
    .map((file) => ({
      id: file.replace(".schema.json", ""),
      schema: JSON.parse(readFileSync(join(folder, file), "utf8")),
    }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Made beside and then swapped: a failure leaves the old code, and readers see it missing for an instant only.
  const out = join(root, "src/gen");
  const next = join(root, "src/gen.tmp");
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next, { recursive: true });
  const schemas = readSchemas();
  for (const [name, text] of Object.entries(await generateSchemaCode(schemas))) writeFileSync(join(next, name), text);
  writeFileSync(join(next, "validators.ts"), generateValidators(schemas));
  await generateProtos(root, join(next, "proto"));
  rmSync(out, { recursive: true, force: true });
  renameSync(next, out);
}
