/** An agent and files with secrets: opened where they are written, for their owner alone, and nowhere else. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SecretError } from "../secrets/index.ts";
import { createFileAgent, type FileAgent, type FileAgentOptions } from "./fileAgent.ts";
import { filesOf, freePort, KINDS, scratchDir } from "./testSupport.ts";
import type { AgentEvent, AgentFiles, Check } from "./types.ts";

const [kind] = KINDS as readonly [(typeof KINDS)[number]];
const REFERENCE = "sealed:privateKey:one";

let scratch: Awaited<ReturnType<typeof scratchDir>>;
let agent: FileAgent;
let files: AgentFiles;
let checked: AgentFiles[];
let events: AgentEvent[];

beforeEach(async () => {
  scratch = await scratchDir();
  checked = [];
  events = [];
  const whole = filesOf(kind, await freePort(), "one");
  const secret = { path: "keys/a.pem", text: `chain\n${REFERENCE}\n`, mode: 0o644, secrets: [REFERENCE] };
  files = { ...whole, files: [...whole.files, secret] };
});
afterEach(async () => {
  await agent.close();
  await scratch.remove();
});

function create(options: Pick<FileAgentOptions, "open">): FileAgent {
  agent = createFileAgent({
    proxy: kind.create({ runDir: scratch.path }),
    check: async (given, folder): Promise<Check> => {
      checked.push(given);
      expect(folder).toBe(scratch.path);
      return { ok: true, message: "" };
    },
    rebound: async (text) => text,
    takenOut: async (all) => all,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return agent;
}

test("writes what it opens with mode 0600, and keeps references", async () => {
  create({ open: () => "the key\n" });
  expect(await agent.apply(files)).toMatchObject({ outcome: "serving" });
  const path = join(scratch.path, "current/keys/a.pem");
  expect(readFileSync(path, "utf8")).toBe("chain\nthe key\n");
  expect((statSync(path).mode & 0o777).toString(8)).toBe("600");
  expect(checked[0]?.files.at(-1)?.text).toBe("chain\nthe key\n");
  expect(files.files.at(-1)?.text).toContain(REFERENCE);
});

test("a secret that cannot be had is a failed apply", async () => {
  create({
    open: () => {
      throw new SecretError("it is not here");
    },
  });
  expect(await agent.apply(files)).toMatchObject({ outcome: "failed", error: "it is not here" });
});

test("what a check that was cut off left behind is gone at the next start", () => {
  const left = join(scratch.path, "trimtab-check-abc");
  mkdirSync(left);
  writeFileSync(join(left, "a.pem"), "the key");
  create({});
  expect(existsSync(left)).toBe(false);
});
