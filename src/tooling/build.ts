/**
 * Builds the program into `dist/`: the compiled sources, the generated JavaScript that they import, schemas and templates
 * at the same relative places. `node dist/src/main.js` runs it.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const out = join(root, "dist");

rmSync(out, { recursive: true, force: true });
execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
// tsc leaves plain .js files where they are; their .d.ts are of no use at run time.
cpSync(join(root, "src/gen/proto"), join(out, "src/gen/proto"), {
  recursive: true,
  filter: (path) => !path.endsWith(".d.ts"),
});
for (const name of ["schemas", "templates", "package.json"])
  if (existsSync(join(root, name))) cpSync(join(root, name), join(out, name), { recursive: true });
