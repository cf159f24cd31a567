/** `npm run docs`: writes the generated pages of `docs/reference/`. They are committed; `docs.test.ts` fails when stale. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { targets } from "../targets/registry.ts";
import { capabilityMatrix } from "./docs/capabilityMatrix.ts";
import { collectCodes, errorReference } from "./docs/errorReference.ts";
import { modelReference } from "./docs/modelReference.ts";
import { readSchemas } from "./gen.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Path from the repository's root -> text, for every generated page. */
export async function generateDocs(): Promise<Readonly<Record<string, string>>> {
  const all = Object.values(targets);
  return {
    "docs/reference/model.md": modelReference(readSchemas()),
    "docs/reference/capabilities.md": capabilityMatrix(all),
    "docs/reference/errors.md": errorReference(await collectCodes(), all),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of Object.entries(await generateDocs())) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    console.log(path);
  }
}
