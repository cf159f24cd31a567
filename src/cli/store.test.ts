import { readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "../store/index.ts";
import { cluster, put } from "../store/storeHarness.ts";
import type { Store } from "../store/types.ts";
import { type Bench, openBench } from "./cliHarness.ts";

let bench: Bench;
let data: string;
let server: Store;
beforeEach(async () => {
  bench = openBench();
  data = join(bench.dir, "data");
  server = openStore({ dir: data, now: () => new Date() });
  await server.write(put(cluster("a")));
});
afterEach(async () => {
  await server.close();
  bench.close();
});

test("check: what is whole is exit 0, what is damaged exit 1 with every reason, for people and for machines", async () => {
  const whole = await bench.run("store", "check", "--data", data);
  expect([whole.code, whole.err]).toEqual([0, ""]);
  expect(whole.out).toMatch(/^revision 1, \d+ KiB: nothing is wrong\n$/);
  const json = (await bench.run("store", "check", "--data", data, "--json")).json;
  expect(json).toEqual({ ok: true, damages: [], exposed: [], revision: 1, bytes: expect.any(Number) });
  await server.close();
  truncateSync(join(data, "trimtab.db"));
  const damaged = await bench.run("store", "check", "--data", data);
  expect([damaged.code, damaged.out, damaged.err]).toEqual([
    1,
    "",
    expect.stringMatching(
      /trimtab\.db: the file is empty.*\ntrimtab: the data directory is damaged: restore a backup\n$/,
    ),
  ]);
  expect((await bench.run("store", "check", "--data", data, "--json")).json).toMatchObject({ ok: false });
  const none = await bench.run("store", "check", "--data", join(bench.dir, "none"));
  expect([none.code, none.err]).toEqual([1, expect.stringContaining("there is no database in")]);
});

test("backup: a new file beside a running server, never over another", async () => {
  const file = join(bench.dir, "copy.db");
  const made = await bench.run("store", "backup", "--data", data, file);
  expect([made.code, made.out, made.err]).toEqual([
    0,
    expect.stringMatching(/^revision 1, \d+ KiB, in .*copy\.db\n$/),
    "",
  ]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const before = readFileSync(file);
  const again = await bench.run("store", "backup", "--data", data, file);
  expect([again.code, again.err]).toEqual([
    1,
    `trimtab: STORE-UNWRITABLE: ${file} is there already: a backup replaces nothing\n`,
  ]);
  expect(readFileSync(file).equals(before)).toBe(true);
  const json = (await bench.run("store", "backup", "--data", data, `${file}.2`, "--json")).json;
  expect(json).toEqual({ ok: true, file: `${file}.2`, revision: 1, bytes: before.length });
});

test("compact: not beside a running server", async () => {
  const early = await bench.run("store", "compact", "--data", data);
  expect([early.code, early.err]).toEqual([
    1,
    expect.stringMatching(/^trimtab: STORE-LOCKED: .* is in use by another/),
  ]);
  await server.close();
  const done = await bench.run("store", "compact", "--data", data);
  expect([done.code, done.out]).toEqual([0, expect.stringMatching(/^\d+ KiB before, \d+ KiB after\n$/)]);
  expect((await bench.run("store", "compact", "--data", data, "--json")).json).toMatchObject({ ok: true });
});

test("without a command of its own, `store` is a wrong command line", async () => {
  const { code, err } = await bench.run("store");
  expect([code, err]).toEqual([2, expect.stringContaining("check")]);
});
