import { chmodSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger } from "./log/index.ts";
import { readTokens } from "./planeTokens.ts";
import { openFolder } from "./testingServer.ts";

let folder: ReturnType<typeof openFolder>;
beforeEach(() => {
  folder = openFolder();
});
afterEach(() => folder.close());

const clock = { now: () => new Date(0), after: () => () => {} };
const logger = createLogger({ format: "json", level: "error", write: () => undefined, clock });
const base = { data: "", http: "", xds: "", logLevel: "error" } as const;
const token = (letter: string): string => letter.repeat(40);

test("agents' tokens are of a fleet or of all; one that is good for more is refused, and so is a file that others read", async () => {
  const [api, edge, all] = ["a", "b", "c"].map((name) => folder.file(name, token(name))) as [string, string, string];
  const read = (agentTokenFile: string[]) => readTokens({ ...base, apiTokenFile: api, agentTokenFile }, logger);
  expect(await read([`edge=${edge}`, all])).toEqual({
    apiToken: token("a"),
    metricsToken: undefined,
    agentTokens: [
      { fleet: "edge", token: token("b") },
      { fleet: null, token: token("c") },
    ],
  });
  await expect(read([`edge=${api}`])).rejects.toThrow("holds the token of another purpose");
  chmodSync(edge, 0o644);
  await expect(read([`edge=${edge}`])).rejects.toThrow("others may read it");
});
