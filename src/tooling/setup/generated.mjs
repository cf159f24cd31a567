/** Step 2: `src/gen`, made again whenever one of its inputs changed. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run, SetupError, timed } from "./shell.mjs";

/** Holds the hash of the inputs that `src/gen` was made from. */
const stamp = join(root, "src/gen/.inputs");

/** Runs `src/tooling/gen.ts` under Node 24 unless the stamp fits. */
export async function generateCode() {
  const inputs = hashInputs();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === inputs) return;
  const node = join(root, "node_modules/.bin/node");
  const ok = await timed("generate code from schemas/ and Envoy's API (src/gen)", () =>
    run(node, ["src/tooling/gen.ts"]),
  );
  if (!ok) throw new SetupError("code generation failed (npm run gen)");
  writeFileSync(stamp, inputs);
}

/** Schemas, generator, and the versions of the packages it uses (all of the lock: simple, and rarely changed). */
function hashInputs() {
  const list = (folder, accept) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter(accept)
      .sort()
      .map((file) => `${folder}/${file}`);
  const files = [
    ...list("schemas", (file) => file.endsWith(".json")),
    ...list("src/tooling", (file) => /^(gen.*|schemas|leaves)\.ts$/.test(file) && !file.endsWith(".test.ts")),
    "examples/api.yaml",
    "package-lock.json",
  ];
  const hash = createHash("sha256");
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  return hash.digest("hex");
}
