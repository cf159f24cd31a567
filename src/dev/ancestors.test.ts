import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

/** Asks once its parent, which starts it and ends at once, is gone. */
const PROGRAM = `
  import { npmAncestors } from ${JSON.stringify(join(import.meta.dirname, "ancestors.ts"))};
  while (process.ppid === Number(process.argv[1])) await new Promise((resume) => setTimeout(resume, 5));
  console.log(npmAncestors()?.areThere());`;

/** What a process says whose parent is gone, in the session of that parent. */
async function orphan(script: string | undefined): Promise<string> {
  const args = [process.execPath, PROGRAM];
  const parent = spawn("/bin/sh", ["-c", '"$0" --input-type=module -e "$1" $$ &', ...args], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, npm_lifecycle_script: script },
  });
  return (await text(parent.stdout)).trim();
}

test.each([
  ["exec node src/main.ts dev examples/quickstart.yaml", "false"],
  ['"trimtab" "dev" "quickstart.yaml"', "false"],
  // Somebody's own script, which meant it to stay.
  ["./up.sh", "undefined"],
  ["trimtab serve &", "undefined"],
  [undefined, "undefined"],
])("whose npm (%s) ended before anybody looked: are its ancestors there? %s", async (script, said) => {
  expect(await orphan(script)).toBe(said);
});
