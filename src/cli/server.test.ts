/** Commands that talk to a server, against a real one in this process. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { emptySnapshot, toDocument } from "../model/index.ts";
import { type Plane, startPlane } from "../suite/planeHarness.ts";
import { type Bench, MODEL, openBench } from "./cliHarness.ts";

let bench: Bench;
let plane: Plane;
let model: string;
beforeAll(async () => {
  bench = openBench();
  model = bench.file("model.yaml", MODEL);
  plane = await startPlane();
});
afterAll(async () => {
  await plane.close();
  bench.close();
});

const run = (...argv: string[]) => bench.run(...argv, "--server", plane.url);
const names = (): string[] =>
  Object.entries(toDocument(plane.store.head().snapshot)).flatMap(([collection, list]) =>
    (list as { name: string }[]).map(({ name }) => `${collection}/${name}`),
  );

/** Every test starts from an empty model. */
beforeEach(async () => {
  const headers = { "content-type": "application/json" };
  await fetch(`${plane.url}/v1/config?force=true`, { method: "PUT", body: "{}", headers });
  expect(plane.store.head().snapshot).toEqual(emptySnapshot);
});

describe("apply", () => {
  test("one revision with author and message; again: nothing to change", async () => {
    const before = plane.store.head().revision;
    const first = await run("apply", model, "--author", "Jürgen", "--message", " neue Läden → shop ");
    expect([first.code, first.err]).toEqual([0, ""]);
    expect(first.out).toContain("+ routes/shop\n");
    expect(first.out).toMatch(new RegExp(`revision ${before + 1}: changed 7 resources\n$`));
    expect(plane.store.revision(before + 1)).toMatchObject({ author: "Jürgen", message: "neue Läden → shop" });
    const again = await run("apply", model, "--json");
    expect([again.code, again.json]).toEqual([
      0,
      { ok: true, dryRun: false, revision: before + 1, changed: [], problems: [] },
    ]);
  });

  test("--dry-run tells the same and stores nothing", async () => {
    const before = plane.store.head();
    const { code, out } = await run("apply", model, "--dry-run");
    expect([code, out.split("\n").at(-2)]).toEqual([0, "would change 7 resources"]);
    expect((await run("apply", model, "--dry-run", "--json")).json).toMatchObject({ ok: true, dryRun: true });
    expect(plane.store.head()).toBe(before);
  });

  test("without an owner nothing is deleted; with one, what that owner no longer lists", async () => {
    await run("apply", bench.file("hers.yaml", "clusters: [{name: hers, endpoints: []}]"), "--owner", "her-team");
    await run("apply", bench.file("nobody.yaml", "clusters: [{name: nobodys, endpoints: []}]"));
    await run("apply", model, "--owner", "my-team");
    const smaller = bench.file("smaller.yaml", MODEL.split("routes:")[0] as string);
    await run("apply", smaller, "--force");
    expect(names()).toContain("routes/shop");
    const { code, out } = await run("apply", smaller, "--owner", "my-team");
    expect([code, out.split("\n").filter((line) => line.startsWith("-"))]).toEqual([0, ["- routes/shop"]]);
    expect(names()).toEqual(expect.arrayContaining(["clusters/hers", "clusters/nobodys", "clusters/blue"]));
    expect(names()).not.toContain("routes/shop");
    const foreign = await run(
      "apply",
      bench.file("hers.yaml", "clusters: [{name: hers, endpoints: []}]"),
      "--owner",
      "x",
    );
    expect(foreign.code).toBe(1);
    expect(foreign.err).toMatch(/hers\.yaml:1:12: error API-OWNED-BY-OTHER \/clusters\/0: .*"her-team"/);
  });

  test("what belongs to an owner is not written by others unless forced, and no apply forgets an owner", async () => {
    const mine = bench.file("mine.yaml", "clusters: [{name: mine, endpoints: []}]");
    const changed = bench.file("changed.yaml", "clusters: [{name: mine, endpoints: [{address: 10.0.0.9, port: 80}]}]");
    const stored = () => plane.store.head().snapshot.cluster.get("mine")?.body;
    await run("apply", mine, "--owner", "my-team");
    const refused = await run("apply", changed);
    expect([refused.code, refused.out]).toEqual([1, ""]);
    expect(refused.err).toMatch(/changed\.yaml:1:12: error API-OWNED-BY-OTHER \/clusters\/0: .*"my-team".*`force`/);
    expect((await run("apply", changed, "--owner", "other")).code).toBe(1);
    expect(stored()).toEqual({ name: "mine", endpoints: [], labels: { "trimtab.io/owner": "my-team" } });
    expect((await run("apply", changed, "--force")).code).toBe(0);
    expect(stored()).toMatchObject({ endpoints: [{ port: 80 }], labels: { "trimtab.io/owner": "my-team" } });
    // As read from the server, the document says whose it is.
    const read = bench.file("read.json", JSON.stringify({ clusters: [stored()] }));
    expect((await run("apply", read)).out).toMatch(/changed 0 resources\n$/);
    expect((await run("apply", mine, "--owner", "other", "--force")).code).toBe(0);
    expect(stored()).toEqual({ name: "mine", endpoints: [], labels: { "trimtab.io/owner": "other" } });
  });

  test("a refusal stands with file, line and column, and in the words of `validate`", async () => {
    const bad = bench.file("bad.yaml", MODEL.replace("cluster: blue,", "cluster: bleu,"));
    const before = plane.store.head();
    const { code, out, err } = await run("apply", bad);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/bad\.yaml:17:18: error MODEL-REFERENCE \/routes\/0\/rules\/1\/split\/0\/cluster: /);
    expect(err).toBe((await bench.run("validate", bad)).err);
    const result = await run("apply", bad, "--json");
    expect([result.code, result.json]).toEqual([1, (await bench.run("validate", bad, "--json")).json]);
    expect(plane.store.head()).toBe(before);
  });

  test("what it would break in resources that the file does not hold is named", async () => {
    await run("apply", model);
    const tcp = bench.file("tcp.yaml", "listeners: [{name: web, fleets: [edge], port: 8080, protocol: TCP}]");
    const { code, err } = await run("apply", tcp);
    expect(code).toBe(1);
    expect(err).toMatch(/tcp\.yaml:1:1: error MODEL-PROTOCOL \/listeners\/0: routes\/shop: /);
  });

  test("warnings stand with their place and do not fail", async () => {
    const text = MODEL.replace("- split: [{cluster: blue", "- timeouts: {request: 5s}\n        split: [{cluster: blue");
    const { code, err } = await run("apply", bench.file("warn.yaml", text));
    expect(code).toBe(0);
    expect(err).toMatch(/^.*warn\.yaml:17:20: warning L7-TIMEOUT-TOTAL \/routes\/0\/rules\/1\/timeouts\/request: /m);
    const other = bench.file("other.yaml", "clusters: [{name: alone, endpoints: []}]");
    expect((await run("apply", other)).err).toBe("and 2 warnings about the rest of the model\n");
    expect((await run("apply", other, "--json")).json).toMatchObject({ ok: true, problems: [], problemsOmitted: 2 });
  });

  describe("--strict and --format", () => {
    const text = MODEL.replace("- split: [{cluster: blue", "- timeouts: {request: 5s}\n        split: [{cluster: blue");
    const error = "nothing was stored: there are warnings, and --strict was given";

    test("with warnings nothing is stored, in every format; a dry run tells what would change too", async () => {
      const warned = bench.file("strict.yaml", text);
      const before = plane.store.head();
      const { code, out, err } = await run("apply", warned, "--strict");
      expect([code, out]).toEqual([3, ""]);
      expect(err).toMatch(/^.*strict\.yaml:17:20: warning L7-TIMEOUT-TOTAL [\s\S]*trimtab: nothing was stored: .*\n$/);
      const asJson = await run("apply", warned, "--strict", "--json");
      expect([asJson.code, asJson.json]).toMatchObject([3, { ok: false, error, problems: [{}, {}] }]);
      const onGitHub = await run("apply", warned, "--strict", "--format", "github");
      expect(onGitHub.out).toMatch(
        /^(::warning file=\S+,title=L7-TIMEOUT-TOTAL::.*\n)+::error title=trimtab::nothing was/,
      );
      const log = (await run("apply", warned, "--strict", "--format", "sarif")).json;
      expect(log.runs[0].results[0]).toMatchObject({ ruleId: "L7-TIMEOUT-TOTAL", level: "warning" });
      const dry = await run("apply", warned, "--strict", "--dry-run");
      expect([dry.code, dry.out]).toEqual([3, expect.stringContaining("would change 7 resources")]);
      expect(plane.store.head()).toBe(before);
    });

    test("without warnings it is stored; refusals stand in the format that was asked for", async () => {
      const { code, out } = await run("apply", model, "--strict", "--format", "github", "--owner", "mine");
      expect([code, out]).toEqual([0, expect.stringMatching(/^\+ fleets\/edge[\s\S]*changed 7 resources\n$/)]);
      const refused = await run("apply", model, "--format", "github", "--owner", "other");
      expect([refused.code, refused.err]).toEqual([1, ""]);
      expect(refused.out).toMatch(/^(::error file=\S+model\.yaml,line=\d+,col=\d+,title=API-OWNED-BY-OTHER::.*\n){6}/);
      const broken = await run("apply", bench.file("broken.yaml", "a: ["), "--format", "github");
      expect(broken.out).toMatch(/^::error file=\S+broken\.yaml,line=1,.*title=DOCUMENT-SYNTAX::/);
      expect((await run("apply", model, "--json", "--format", "github")).code).toBe(2);
    });

    test("what was judged is what is written: it asks again when somebody writes in between", async () => {
      const { server, url } = await slowReader(plane.url, async () => {
        await run("apply", bench.file("quick.yaml", "clusters: [{name: quick, endpoints: []}]"));
      });
      try {
        expect(await bench.run("apply", model, "--strict", "--server", url)).toMatchObject({ code: 0, err: "" });
        expect(plane.store.head().snapshot.cluster.size).toBe(3);
      } finally {
        server.close();
      }
    });

    test("a refusal is in the order of the file, as that of validate", async () => {
      await run("apply", model, "--owner", "mine");
      const bad = bench.file("order.yaml", MODEL.replace("proxy: envoy", "proxy: envyo"));
      const lines =
        (await run("apply", bad, "--owner", "other")).err.match(/(?<=order\.yaml:)\d+(?=:\d+: error)/g) ?? [];
      expect(lines.map(Number)).toEqual(lines.map(Number).toSorted((a, b) => a - b));
      expect(lines.length).toBeGreaterThan(2);
    });
  });

  test("a broken or empty file is not sent; a bad message is told before anything is", async () => {
    const before = plane.store.head();
    expect((await run("apply", bench.file("empty.yaml", ""))).err).toContain("empty.yaml:1:1: error DOCUMENT-EMPTY");
    expect((await run("apply", bench.file("broken.yaml", "a: ["))).err).toContain("DOCUMENT-SYNTAX");
    expect((await run("apply", model, "--message", "one\ntwo")).err).toBe(
      "trimtab: --message must be one line of text\n",
    );
    expect((await run("apply", model, "--message", "x".repeat(2000))).err).toMatch(
      /^trimtab: the server answered 400: Bad header: .*\n$/,
    );
    expect(plane.store.head()).toBe(before);
  });
});

describe("a canary that runs", () => {
  const CANARY = `${MODEL}canaries:
  - {name: roll, route: shop, rule: 1, stable: blue, canary: green, steps: [{weight: 5}, {weight: 50}]}
`;
  const OLDER = CANARY.replace("[{weight: 5}, {weight: 50}]", "[{weight: 5}, {weight: 50}], state: {step: 0}");
  const step = (): unknown => plane.store.head().snapshot.canary.get("roll")?.body.state;
  const move = (to: number) =>
    fetch(`${plane.url}/v1/canaries/roll/state?owner=my-team`, {
      method: "PUT",
      body: JSON.stringify({ step: to }),
      headers: { "content-type": "application/json" },
    });

  test("stays where it is at an apply, whatever the file says of its state, and diff shows no change of it", async () => {
    const file = bench.file("canary.yaml", CANARY);
    const older = bench.file("older.yaml", OLDER);
    const owner = ["--owner", "my-team"];
    await run("apply", file, ...owner);
    expect((await move(1)).status).toBe(200);
    for (const [name, err] of [
      [file, /^$/],
      [
        older,
        /^.*older\.yaml:19:.*warning MODEL-CANARY-STATE \/canaries\/0\/state: .*at step 1, and 0 is not taken.*\n$/,
      ],
    ] as const) {
      expect(await run("diff", name, ...owner)).toMatchObject({ code: 0, out: "" });
      const dry = await run("apply", name, ...owner, "--dry-run");
      expect([dry.code, dry.out]).toEqual([0, "would change 0 resources\n"]);
      const { code, out, err: told } = await run("apply", name, ...owner);
      expect([code, out]).toEqual([0, expect.stringContaining("changed 0 resources")]);
      expect(told).toMatch(err);
      expect(step()).toEqual({ step: 1 });
    }
  });

  test("is moved by what changes it as apply and diff tell alike", async () => {
    await run("apply", bench.file("canary.yaml", CANARY), "--owner", "my-team");
    await move(1);
    const fewer = bench.file("fewer.yaml", CANARY.replace(", {weight: 50}]", "]"));
    const { code, out } = await run("diff", fewer, "--owner", "my-team");
    expect([code, out]).toEqual([
      2,
      '~ canaries/roll\n    /steps/1: {"weight":50} -> (nothing)\n    /state/step: 1 -> 0\n',
    ]);
    const { err } = await run("apply", fewer, "--owner", "my-team");
    expect(err).toMatch(/warning MODEL-CANARY-STATE .*goes from step 1 to 0, of weight 5\n$/);
    expect(step()).toEqual({ step: 0 });
  });

  test("is not taken over by another team", async () => {
    await run("apply", bench.file("canary.yaml", CANARY), "--owner", "my-team");
    const file = bench.file("theirs.yaml", CANARY.slice(CANARY.indexOf("canaries:")));
    for (const command of [["apply"], ["apply", "--dry-run"], ["diff"]]) {
      const { code, err } = await run(...command, file, "--owner", "other");
      expect(code).toBe(1);
      expect(err).toMatch(
        /theirs\.yaml:2:5: error API-OWNED-BY-OTHER \/canaries\/0: canary roll belongs to "my-team": /,
      );
    }
  });
});

describe("diff against the server", () => {
  test("0 when apply would change nothing, 2 with the changes, from the server to the file", async () => {
    await run("apply", model);
    expect(await run("diff", model)).toMatchObject({ code: 0, out: "", err: "" });
    const heavier = bench.file("heavier.yaml", MODEL.replace("weight: 3", "weight: 4"));
    const { code, out } = await run("diff", heavier);
    expect([code, out]).toEqual([2, "~ routes/shop\n    /rules/1/split/0/weight: 3 -> 4\n"]);
  });

  /** `+ routes/shop`, without the values. */
  const signs = (out: string): string[] => out.split("\n").filter((line) => /^[-+~] /.test(line));

  test.each([
    ["all of it", MODEL, []],
    ["an owner's", MODEL, ["--owner", "my-team"]],
    ["less of an owner's", MODEL.split("routes:")[0], ["--owner", "my-team"]],
    ["another owner's", MODEL, ["--owner", "other"]],
    ["all by force", MODEL.replace("weight: 3", "weight: 7"), ["--force"]],
    ["a take-over", MODEL.split("routes:")[0], ["--owner", "other", "--force"]],
    [
      "what names resources of the server",
      "clusters: [{name: blue, endpoints: []}, {name: red, endpoints: []}]",
      ["--force"],
    ],
    ["what is refused", MODEL.replace("cluster: blue,", "cluster: bleu,"), ["--owner", "my-team"]],
  ])("foretells apply: %s", async (_, text = "", options) => {
    const start = MODEL.replace("name: hap,", "name: hap, labels: {a: b},");
    await run("apply", bench.file("start.yaml", start), "--owner", "my-team");
    await run("apply", bench.file("nobody.yaml", "clusters: [{name: nobodys, endpoints: []}]"));
    const file = bench.file("next.yaml", text);
    const revision = plane.store.head().revision;
    const foretold = await run("diff", file, ...options);
    const asJson = await run("diff", file, ...options, "--json");
    expect(plane.store.head().revision).toBe(revision);
    const before = toDocument(plane.store.head().snapshot);
    const done = await run("apply", file, ...options);
    if (done.code === 1) {
      expect(foretold).toEqual(done);
      expect([asJson.code, asJson.json]).toEqual([1, (await run("apply", file, ...options, "--json")).json]);
      return;
    }
    expect([foretold.code, foretold.err]).toEqual([signs(done.out).length > 0 ? 2 : 0, ""]);
    expect(signs(foretold.out)).toEqual(signs(done.out));
    // The values too: written into what was there, they give what is there now.
    const now = toDocument(plane.store.head().snapshot);
    for (const { change, resource, values } of asJson.json.changes) {
      if (change !== "updated") continue;
      const [collection, name] = resource.split("/");
      const find = (model: object): object =>
        (model as Record<string, { name: string }[]>)[collection]?.find((body) => body.name === name) as object;
      const patched = structuredClone(find(before));
      for (const { pointer, after } of values.toReversed()) set(patched, pointer.slice(1).split("/"), after);
      expect(patched).toEqual(find(now));
    }
  });

  test("asks again when somebody writes in between", async () => {
    await run("apply", model);
    const { server, url } = await slowReader(plane.url, async () => {
      await run("apply", bench.file("quick.yaml", "clusters: [{name: quick, endpoints: []}]"));
    });
    try {
      const heavier = bench.file("heavier.yaml", MODEL.replace("weight: 3", "weight: 4"));
      const { code, out } = await bench.run("diff", heavier, "--server", url);
      expect([code, signs(out)]).toEqual([2, ["~ routes/shop"]]);
    } finally {
      server.close();
    }
  });

  test("owner and force do not go with a second file", async () => {
    for (const option of [["--owner", "a"], ["--force"]])
      expect(await run("diff", model, model, ...option)).toMatchObject({
        code: 1,
        err: expect.stringContaining("--owner and --force"),
      });
  });
});

/** Sets or removes what a pointer names. */
function set(target: object, [key = "", ...rest]: string[], value: unknown): void {
  const parent = target as Record<string, unknown>;
  const plain = key.replaceAll("~1", "/").replaceAll("~0", "~");
  if (rest.length > 0) set(parent[plain] as object, rest, value);
  else if (value === undefined && Array.isArray(target)) target.splice(Number(plain), 1);
  else if (value === undefined) delete parent[plain];
  else parent[plain] = value;
}

/** Passes requests on; after the first GET or HEAD of the model it lets somebody write before it answers. */
async function slowReader(to: string, write: () => Promise<void>): Promise<{ server: Server; url: string }> {
  let first = true;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = Object.entries(request.headers).filter(([name]) => /^(if-match|content-type|accept)$/.test(name));
    const answer = await fetch(`${to}${request.url}`, {
      method: request.method ?? "GET",
      headers: Object.fromEntries(headers) as Record<string, string>,
      body: chunks.length > 0 ? Buffer.concat(chunks) : null,
    });
    const text = await answer.text();
    if (first && request.method !== "POST") {
      first = false;
      await write();
    }
    response.writeHead(answer.status, { etag: answer.headers.get("etag") ?? "" }).end(text);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe("explain", () => {
  const request = ["--fleet", "web1", "--method", "POST", "-H", "X-A: 1"];

  test.each([
    ["http://shop.example/cart?x=1", '"cluster": "green"'],
    ["http://SHOP.example.:8080/cartoon", '"sharePercent": 75'],
    ["http://other.example/", '"status": 404'],
    ["http://shop.example/a//b", '"status": 400'],
  ])("of %s is the same offline and from the server", async (url, expected) => {
    await run("apply", model);
    const offline = await bench.run("explain", model, ...request, "--url", url, "--json");
    const online = await run("explain", ...request, "--url", url, "--json");
    expect([offline.code, online.code]).toEqual([0, 0]);
    expect(offline.out).toContain(expected);
    expect(online.json).toEqual(offline.json);
    const [here, there] = [
      await bench.run("explain", model, ...request, "--url", url),
      await run("explain", ...request, "--url", url),
    ];
    expect(there.out).toBe(here.out);
    expect(here.err).toBe("");
  });

  test("tells the winner, the losers and why, for people", async () => {
    const { out } = await bench.run("explain", model, "--fleet", "hap", "--url", "http://shop.example/cart/1");
    expect(out.split("\n").slice(0, 3)).toEqual([
      "shop.example is served by shop.example",
      "forwarded as /cart/1 to green (100.0 %)",
      expect.stringMatching(/^ +route +rule +match +why$/),
    ]);
    expect(out).toMatch(/^-> +shop +0 +prefix \/cart +the first rule/m);
    expect(out).toMatch(/^ +shop +1 +prefix \/ +a longer path pattern wins$/m);
  });

  test("a Host header stands above the URL's host", async () => {
    const { json } = await bench.run(
      ...["explain", model, "--fleet", "hap", "--url", "http://127.0.0.13:8080/", "-H", "host: shop.example", "--json"],
    );
    expect(json.virtualHost).toBe("shop.example");
  });

  test("unknown fleet, unknown port, no URL: one line each, offline and from the server", async () => {
    await run("apply", model);
    const url = ["--url", "http://shop.example/"];
    for (const ask of [run, (...argv: string[]) => bench.run("explain", model, ...argv.slice(1))]) {
      const fleet = await ask("explain", "--fleet", "nope", ...url);
      expect([fleet.code, fleet.out]).toEqual([1, ""]);
      expect(fleet.err).toMatch(/^trimtab: .*there is no fleet named "nope"\n$/);
      const port = await ask("explain", "--fleet", "hap", "--port", "81", ...url);
      expect([port.code, port.err]).toEqual([
        1,
        expect.stringMatching(/^trimtab: .*HTTP (?:and TLS ports|or TLS).*\n$/),
      ]);
      for (const text of ["shop.example", "https://a.test/", "http://a.test/#f"]) {
        const result = await ask("explain", "--fleet", "hap", "--url", text);
        expect([result.code, result.out]).toEqual([2, ""]);
        expect(result.err).toMatch(/^error: option '--url <url>' argument '.*' is invalid\. Write it as http:.*\n/);
      }
    }
  });
});

describe("the server", () => {
  test.each([["apply"], ["diff"], ["explain", "--fleet", "hap", "--url", "http://a/"]])(
    "%s: is not there: one clear line",
    async (command, ...rest) => {
      const files = command === "explain" ? [] : [model];
      const gone = await bench.run(command as string, ...files, ...rest, "--server", await closedPort());
      expect([gone.code, gone.out]).toEqual([1, ""]);
      expect(gone.err).toMatch(
        /^trimtab: no answer from http:\S+ \(ECONNREFUSED\): is `trimtab serve` running there\?.*\n$/,
      );
    },
  );

  test("is no URL, or no Trimtab: one clear line", async () => {
    const noUrl = await bench.run("apply", model, "--server", "localhost:8400");
    expect(noUrl.err).toMatch(/^trimtab: localhost:8400 is not the URL of a server; write it as http:.*\n$/);
    const { server, url } = await fakeServer();
    try {
      for (const [path, text] of [
        ["/html", "the server answered 200, not as Trimtab does: <p> hello </p>"],
        ["/json", "the server answered 200, not as Trimtab does"],
        ["/moved", "the server answered 302, not as Trimtab does"],
      ] as const) {
        expect((await bench.run("apply", model, "--server", url + path)).err).toBe(`trimtab: ${text}\n`);
      }
      const newer = await bench.run("diff", model, "--server", `${url}/newer`);
      expect(newer).toMatchObject({
        code: 1,
        err: expect.stringContaining("not one that this version knows: /gadgets"),
      });
    } finally {
      server.close();
    }
  });

  test("wants a token: none, a wrong one, the right one", async () => {
    const guarded = await startPlane({ apiToken: "s3cret" });
    try {
      const ask = (...more: string[]) => bench.run("apply", model, "--server", guarded.url, ...more);
      expect(await ask()).toMatchObject({
        code: 1,
        err: "trimtab: the server answered 401: Bearer token needed: this server needs a bearer token\n",
      });
      const wrong = await ask("--token-file", bench.file("wrong", "other", 0o600));
      expect(wrong.err).toMatch(/^trimtab: the server answered 401: .*not the right one\n$/);
      expect(wrong.err).not.toContain("other");
      expect((await ask("--token-file", bench.file("right", "s3cret\n", 0o600))).code).toBe(0);
      expect((await ask("--token-file", bench.file("two", "a b", 0o600))).err).toMatch(
        /two does not hold one bearer token: there is white space in it\n$/,
      );
      expect((await ask("--token-file", bench.file("open", "s3cret"))).err).toMatch(
        /open holds a secret, and others may read it \(mode 0644\): chmod 600/,
      );
      expect((await ask("--token-file", `${bench.dir}/none`)).err).toMatch(/^trimtab: cannot read .*none: there is no/);
    } finally {
      await guarded.close();
    }
  });
});

async function closedPort(): Promise<string> {
  const { server, url } = await fakeServer();
  await new Promise((done) => server.close(done));
  return url;
}

/** Answers like things that are not Trimtab. */
async function fakeServer(): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    if (path.startsWith("/html/")) response.end("<p>\n hello\n</p>");
    else if (path.startsWith("/json/")) response.end('{"hello": 1}');
    else if (path.startsWith("/newer/")) response.end('{"gadgets": []}');
    else response.writeHead(302, { location: "/json/" }).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
