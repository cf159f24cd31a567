/** `export`, `status`, `history`, `rollback`, against a real server in this process. */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Plane, startPlane } from "../suite/planeHarness.ts";
import { type Bench, MODEL, openBench } from "./cliHarness.ts";

let bench: Bench;
let plane: Plane;
beforeAll(async () => {
  bench = openBench();
});
afterAll(() => bench.close());
beforeEach(async () => {
  plane = await startPlane();
  return () => plane.close();
});

const run = (...argv: string[]) => bench.run(...argv, "--server", plane.url);

async function apply(text: string, ...more: string[]): Promise<void> {
  expect(await run("apply", bench.file("m.yaml", text), ...more)).toMatchObject({ code: 0 });
}

const HEAVIER = MODEL.replace("weight: 3}", "weight: 7}");

describe("export", () => {
  test.each(["yaml", "json"])("%s: byte by byte the same after it was applied elsewhere", async (format) => {
    await apply(
      MODEL.replace("{name: edge,", '{name: edge, description: "a: #b é \\u2028", labels: {a: "01"},'),
      "--owner",
      "team",
    );
    const first = await run("export", "--format", format);
    expect([first.code, first.err]).toEqual([0, ""]);
    const file = join(bench.dir, `whole.${format}`);
    expect(await run("export", "--format", format, "-o", file)).toMatchObject({ code: 0, out: "" });
    expect(readFileSync(file, "utf8")).toBe(first.out);
    expect((await bench.run("validate", file)).code).toBe(0);
    const other = await startPlane();
    try {
      expect((await bench.run("apply", file, "--server", other.url)).code).toBe(0);
      expect((await bench.run("export", "--format", format, "--server", other.url)).out).toBe(first.out);
    } finally {
      await other.close();
    }
    expect((await run("apply", file, "--owner", "team", "--json")).json.changed).toEqual([]);
  });

  test("of a revision, of nothing, of one that is not there", async () => {
    expect((await run("export")).out).toBe("{}\n");
    await apply(MODEL);
    const before = await run("export");
    await apply(HEAVIER);
    expect((await run("export", "--revision", "1")).out).toBe(before.out);
    expect((await run("export", "--json")).json.routes[0].rules[1].split[0].weight).toBe(7);
    expect(await run("export", "--revision", "9")).toMatchObject({
      code: 1,
      err: "trimtab: the server answered 404: Not found: there is no revision 9\n",
    });
  });
});

describe("history", () => {
  test("newest first, with who, when and what; pages; one revision whole", async () => {
    expect((await run("history")).out).toBe("no revision yet\n");
    await apply(MODEL, "--author", "ann", "--message", "first");
    await apply(HEAVIER, "--author", "bob");
    const { out } = await run("history");
    expect(out.split("\n")[0]).toMatch(/^revision +time +author +changed +message$/);
    expect(out.split("\n")[1]).toMatch(/^2 +2026-01-02T03:04:05\S* +bob +\+0 ~1 -0/);
    expect(out.split("\n")[2]).toMatch(/^1 +\S+ +ann +\+7 ~0 -0 +first$/);
    expect((await run("history", "--limit", "1", "--json")).json).toMatchObject({
      items: [{ revision: 2 }],
      nextCursor: 2,
    });
    expect((await run("history", "--before", "2", "--json")).json.items).toHaveLength(1);
    expect((await run("history", "2")).out).toMatch(/^revision 2, \S+, by bob\n~ routes\/shop\n$/);
    expect((await run("history", "2", "--json")).json).not.toHaveProperty("config");
    expect((await run("history", "7")).code).toBe(1);
    expect((await run("history", "x")).code).toBe(2);
  });
});

describe("rollback", () => {
  test("--dry-run tells what changes and what proxies notice; without it that is done, once", async () => {
    await apply(MODEL);
    await apply(HEAVIER.replace("web1, hap]", "web1]"));
    const dry = await run("rollback", "1", "--dry-run");
    expect([dry.code, dry.err]).toEqual([0, ""]);
    expect(dry.out).toContain("    /rules/1/split/0/weight: 7 -> 3\n");
    expect(dry.out).toMatch(/^fleet web1 reloads$/m);
    expect(dry.out).toMatch(/would change 2 resources\n$/);
    expect(plane.store.head().revision).toBe(2);
    const done = await run("rollback", "1", "--author", "ann");
    expect(done.out).toMatch(/revision 3: changed 2 resources, as at revision 1\n$/);
    expect(plane.store.revision(3)).toMatchObject({ author: "ann", message: "restore revision 1" });
    expect((await run("diff", bench.file("m.yaml", MODEL))).code).toBe(0);
    expect((await run("rollback", "1", "--json")).json).toMatchObject({
      ok: true,
      revision: 3,
      restored: 1,
      changes: [],
    });
  });

  test("a canary that moved since stays where it stands: nothing changes, and no proxy notices", async () => {
    const canary = `canaries:
  - {name: green, route: shop, rule: 1, stable: blue, canary: green, steps: [{weight: 5}, {weight: 50}]}
`;
    await apply(`${MODEL}${canary}`);
    const moved = await fetch(`${plane.url}/v1/canaries/green/state`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: '{"step": 1}',
    });
    expect(moved.status).toBe(200);
    const { code, out, err } = await run("rollback", "1", "--dry-run");
    expect([code, out]).toEqual([0, "would change 0 resources\n"]);
    expect(err).toContain("the canary is at step 1, and 0 is not taken");
  });

  test("to nothing: fleets are gone; of a revision that is not there, or is no number", async () => {
    await apply(MODEL);
    expect((await run("rollback", "0", "--dry-run", "--json")).json).toMatchObject({
      dryRun: true,
      effects: [
        { fleet: "edge", effect: "gone" },
        { fleet: "hap", effect: "gone" },
        { fleet: "web1", effect: "gone" },
      ],
    });
    expect((await run("rollback", "5")).err).toMatch(/^trimtab: the server answered 404: .*there is no revision 5\n$/);
    expect((await run("rollback", "newest")).err).toContain("It is not the number of a revision.");
    expect(plane.store.head().revision).toBe(1);
  });
});

test("a server that answers with something else is told so by every command, in words", async () => {
  const bodies = ["{}", '{"items": {}, "changed": 1}', '{"items": [null], "fleets": [1], "changed": [], "rules": []}'];
  for (const body of bodies) {
    const server = createServer((_request, response) => void response.end(body));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const model = bench.file("m.yaml", MODEL);
    try {
      for (const command of [
        ["status"],
        ["history"],
        ["history", "1"],
        ["apply", model],
        ["apply", model, "--strict"],
        ["explain", "--fleet", "hap", "--url", "http://a/"],
      ]) {
        const { code, err } = await bench.run(...command, "--server", url);
        expect([code, err]).toEqual([1, "trimtab: the server answered 200, not as Trimtab does\n"]);
      }
    } finally {
      server.close();
    }
  }
});

test("a rollback that owners stand against names each, once and on a line of its own", async () => {
  await apply(MODEL, "--owner", "mine");
  const { code, err } = await run("rollback", "0");
  expect([code, err.trimEnd().split("\n").length]).toEqual([1, 8]);
  expect(err).toMatch(/^error API-OWNED-BY-OTHER fleets\/edge: fleet edge belongs to "mine"/);
  expect(err).toMatch(/\ntrimtab: the server answered 409: Owned by another: 7 problems; nothing was stored\n$/);
  const { json } = await run("rollback", "0", "--json");
  expect([json.ok, json.problems.length, json.error]).toEqual([false, 7, expect.not.stringContaining("mine")]);
});

test("a file that cannot be written, and a page before the first revision, in words", async () => {
  await apply(MODEL);
  expect((await run("export", "-o", join(bench.dir, "no/such/file"))).err).toMatch(
    /^trimtab: cannot write \S+: there is no such folder\n$/,
  );
  expect((await run("export", "--json", "--format", "yaml")).code).toBe(2);
  expect((await run("history", "--before", "1")).out).toBe("no revision before 1\n");
});

describe("status", () => {
  test("of a server that is well; of one fleet; of one that is not there", async () => {
    expect((await run("status")).out).toBe("no fleets\n");
    await apply(MODEL);
    const all = await run("status");
    expect([all.code, all.err]).toEqual([0, ""]);
    expect(all.out).toMatch(/^edge +current +1 +1 +0 +0$/m);
    expect((await run("status", "hap", "--json")).json).toMatchObject({
      ok: true,
      fleets: [{ fleet: "hap", problems: [] }],
    });
    expect((await run("status", "nope")).err).toMatch(/there is no fleet named "nope"/);
  });

  test("--wait: until the revision is made; files are made for it", async () => {
    await apply(MODEL);
    const { code, json } = await run("status", "--wait", "1", "--timeout", "20", "--json");
    expect([code, json.late, json.fleets.map(({ state }: { state: string }) => state)]).toEqual([
      0,
      [],
      ["current", "current", "current"],
    ]);
    const late = await run("status", "--wait", "99", "--timeout", "1");
    expect([late.code, late.err.split("\n")[0]]).toEqual([1, "edge: does not have revision 99 after 1 s"]);
  });

  test("what is wrong: fleets that cannot be made, listeners that wait, proxies that refuse or failed; exit 1", async () => {
    const { server, url } = await sickServer();
    try {
      const { code, err } = await bench.run("status", "--server", url);
      expect(code).toBe(1);
      expect(err.split("\n")).toEqual([
        "a: FLEET-NOT-RENDERED: broken",
        "b: listener web waits: port taken",
        "b: proxy n1 refuses Listener: no",
        "b: proxy hap-1 is degraded: it failed",
        "b: proxy hap-2 is failed",
        "",
      ]);
    } finally {
      server.close();
    }
  });
});

/** A server on which everything is wrong. */
async function sickServer(): Promise<{ server: Server; url: string }> {
  const fleets = [
    {
      fleet: "a",
      state: "failed",
      publishedRevision: null,
      error: { code: "FLEET-NOT-RENDERED", message: "broken" },
      listeners: [],
    },
    {
      fleet: "b",
      state: "current",
      publishedRevision: 3,
      error: null,
      listeners: [{ listener: "web", state: "waiting", reason: "port taken" }],
    },
  ];
  const types = [
    {
      typeUrl: "type.googleapis.com/envoy.config.listener.v3.Listener",
      sent: "2",
      acked: "1",
      nacked: { message: "no" },
    },
  ];
  const server = createServer((request, response) => {
    const items = request.url?.includes("/b/")
      ? [
          { nodeId: "n1", types },
          { source: "agent", nodeId: "hap-1", state: "degraded", lastError: "it failed" },
          { source: "agent", nodeId: "hap-2", state: "failed" },
          { source: "poll", address: "127.0.0.1" },
        ]
      : [];
    response.end(JSON.stringify(request.url?.startsWith("/readyz") ? { status: "ready", fleets } : { items }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
