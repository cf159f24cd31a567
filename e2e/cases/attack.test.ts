/** The short form of `npm run attack`: whatever clients send, the server lives, loses nothing and refuses as it promised. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const BENCH = join(import.meta.dirname, "../../bench/attack.ts");
/** About 40 s on a machine with nothing else to do. */
const TIMEOUT_MS = 300_000;

it("no attack on the REST API breaks a promise", { timeout: TIMEOUT_MS }, () => {
  const args = ["--no-warnings", BENCH, "--size", "short"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: TIMEOUT_MS });
  expect(`${stdout}${stderr}`).toContain("every promise held");
  expect(status).toBe(0);
});
