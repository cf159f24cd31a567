/** Files that are rendered in slices while revisions come, fleets go and others ask: real targets, rests one by one. */
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FleetIr, ProxyKind } from "../ir/index.ts";
import { applyChanges, type Change, emptySnapshot, validateConfig } from "../model/index.ts";
import { createPipeline, type Pipeline } from "../pipeline/index.ts";
import { loadTargets } from "../targets/registry.ts";
import { finish } from "../util/steps.ts";
import { createFileOutput, type FileOutput } from "./fileOutput.ts";
import type { FleetFiles } from "./types.ts";

/** Longer than listeners' files may be old. */
const CEILING_PASSED_MS = 1200;

const targets = await loadTargets();
let pipeline: Pipeline;
let output: FileOutput;
/** What waits for its turn. */
let resting: (() => void)[];
let clock = 0;
/** How far the clock goes between two looks at it: far enough to find each slice used up, or not at all. */
let step: number;
let failures: string[];
let heard: (string | null)[];
/** What was told of outputs: `fleet revision effect`. */
let published: string[];
/** Renderings that were begun, by fleet. */
let begun: string[];
/** Text that the hostname of a fleet's only route must not have. */
let poison: string;

beforeEach(() => {
  resting = [];
  step = 1000;
  failures = [];
  heard = [];
  begun = [];
  published = [];
  poison = "no such text";
  pipeline = createPipeline(targets);
  output = createFileOutput({
    *render(ir) {
      begun.push(ir.name);
      const rendering = yield* pipeline.render(ir, "files");
      if (JSON.stringify(ir).includes(poison)) throw new Error(`found ${poison}`);
      return rendering;
    },
    onPublished: ({ fleet, revision, effect }) => published.push(`${fleet} ${revision} ${effect}`),
    onFailure: (fleet, error) => failures.push(`${fleet}: ${(error as Error).message}`),
    pace: { now: () => (clock += step), turn: () => new Promise((resume) => resting.push(resume)) },
  });
});

afterEach(() => output.close());

/** The fleets of a model in which each has one route for `hostname`. */
function fleetsOf(proxies: Readonly<Record<string, ProxyKind>>, hostname: string): FleetIr[] {
  const names = Object.keys(proxies);
  const { resources, diagnostics } = validateConfig({
    fleets: names.map((name) => ({ name, proxy: proxies[name] })),
    listeners: [{ name: "web", fleets: names, port: 8080, protocol: "HTTP" }],
    routes: [{ name: "r", listeners: ["web"], hostnames: [hostname], rules: [{ respond: { status: 200 } }] }],
  });
  expect(diagnostics).toEqual([]);
  const changes = resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change);
  return [...finish(pipeline.compile(applyChanges(emptySnapshot, changes))).fleets.values()];
}

/** Revision N has the hostname `hN.example`. */
function update(revision: number, proxies: Readonly<Record<string, ProxyKind>> = { web: "nginx" }): void {
  const names = Object.keys(proxies);
  output.update(names.length === 0 ? [] : fleetsOf(proxies, `h${revision}.example`), revision);
}

function listen(): () => void {
  return output.onFiles((fleet, files) =>
    heard.push(files === null ? null : `${fleet} ${files.proxy} ${files.revision}`),
  );
}

/** Lets what rests go on, `count` times. */
async function rests(count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    resting.shift()?.();
    await new Promise((resume) => setImmediate(resume));
  }
}

/** Lets it go on until the promise has settled. */
async function ended<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  while (!settled) await rests(1);
  return promise;
}

/** The revision that the files are labelled with, after a look at whether they are of it. */
function revisionIn(files: FleetFiles | null): number | null {
  if (files === null) return null;
  const text = files.files.map((file) => file.text).join("");
  expect(text.match(/h\d+\.example/g)?.every((found) => found === `h${files.revision}.example`)).toBe(true);
  return files.revision;
}

describe("while a rendering is under way", () => {
  test("it rests; who asks for the same revision shares it", async () => {
    update(1);
    const [first, second] = [output.get("web"), output.get("web")];
    await rests(3);
    expect(resting).toHaveLength(1);
    expect(await ended(first)).toBe(await ended(second));
    expect(begun).toEqual(["web"]);
    expect(revisionIn(await first)).toBe(1);
  });

  test("a newer revision is not lost: who asks for it gets it, who asked before gets the one of then", async () => {
    listen();
    update(1);
    const first = output.get("web");
    await rests(3);
    update(2);
    update(3);
    const second = output.get("web");
    const revisions = [revisionIn(await ended(first)), revisionIn(await ended(second))];
    expect(revisions).toEqual([1, 3]);
    expect(heard).toEqual(["web nginx 1", "web nginx 3"]);
    expect(begun).toHaveLength(2);
  });

  test("an answer reaches who asked before listeners hear of the next revision", async () => {
    listen();
    update(1);
    const answer = (files: FleetFiles | null): unknown => heard.push(`answer ${files?.revision}`);
    const first = output.get("web").then(answer);
    await rests(3);
    update(2);
    const second = output.get("web").then(answer);
    step = 0;
    await ended(Promise.all([first, second]));
    expect(heard).toEqual(["web nginx 1", "answer 1", "web nginx 2", "answer 2"]);
  });

  test("the same configuration under a later revision needs no second one", async () => {
    const fleets = fleetsOf({ web: "nginx" }, "h1.example");
    output.update(fleets, 1);
    const first = output.get("web");
    await rests(3);
    output.update(fleets, 2);
    expect((await ended(first))?.revision).toBe(2);
    output.update(fleets, 3);
    expect((await output.get("web"))?.revision).toBe(3);
    expect(begun).toHaveLength(1);
  });

  test("others of another fleet are served", async () => {
    update(1, { web: "nginx", hap: "haproxy" });
    const [web, hap] = [output.get("web"), output.get("hap")];
    expect(resting).toHaveLength(2);
    expect([revisionIn(await ended(hap)), revisionIn(await ended(web))]).toEqual([1, 1]);
  });

  test("a fleet that goes takes its files with it", async () => {
    listen();
    update(1);
    const asked = output.get("web");
    await rests(3);
    update(2, {});
    expect(await ended(asked)).toBeNull();
    expect(heard).toEqual([null]);
  });

  test("a fleet that changes its proxy gets the other proxy's files", async () => {
    listen();
    update(1);
    const asked = output.get("web");
    await rests(3);
    update(2, { web: "haproxy" });
    expect(revisionIn(await ended(asked))).toBe(2);
    expect(heard).toEqual(["web haproxy 2"]);
  });

  test("that fails, a newer revision is tried; the last good files stay until then", async () => {
    update(1);
    await ended(output.get("web"));
    poison = "h2.example";
    update(2);
    const second = output.get("web");
    await rests(3);
    update(3);
    const third = output.get("web");
    expect([revisionIn(await ended(second)), revisionIn(await ended(third))]).toEqual([1, 3]);
    expect(failures).toEqual(["web: found h2.example"]);
    expect(published).toEqual([expect.stringMatching(/^web 1 /), "web 3 reload"]);
  });

  test("revisions that come faster than they can be rendered keep nobody waiting", async () => {
    update(1);
    const asked = output.get("web");
    let answered: FleetFiles | null = null;
    asked.then((files) => {
      answered = files;
    });
    for (let revision = 2; answered === null && revision < 500; revision++) {
      await rests(1);
      update(revision);
    }
    expect(answered).not.toBeNull();
  });

  test("close gives it up: nobody is told, who waits gets the last good files", async () => {
    update(1);
    await ended(output.get("web"));
    listen();
    update(2);
    const asked = output.get("web");
    await rests(3);
    output.close();
    expect(revisionIn(await ended(asked))).toBe(1);
    await sleep(CEILING_PASSED_MS);
    expect(resting).toEqual([]);
    expect(heard).toEqual([]);
    expect(failures).toEqual([]);
  });

  test("close rejects who waits for the first files", async () => {
    update(1);
    const asked = output.get("web");
    output.close();
    await expect(ended(asked)).rejects.toThrow("cannot be made");
    expect(failures).toEqual([]);
  });
});

test("listeners are served by one round at a time, the newest last", async () => {
  listen();
  update(1);
  const until = Date.now() + CEILING_PASSED_MS;
  while (begun.length === 0 && Date.now() < until) await sleep(10);
  await rests(3);
  for (let revision = 2; Date.now() < until; revision++) {
    update(revision);
    await sleep(40);
  }
  // The ceiling has passed twice, and still only the first rendering is under way.
  expect([begun.length, resting.length]).toEqual([1, 1]);
  update(1000);
  while (!heard.includes("web nginx 1000")) await rests(1);
  expect(heard).toEqual(["web nginx 1", "web nginx 1000"]);
});

test("whatever comes meanwhile: answers are as new as the question, listeners hear revisions in order", async () => {
  const proxies: Record<string, ProxyKind>[] = [{ web: "nginx" }, { web: "nginx" }, { web: "haproxy" }, {}];
  const act = fc.oneof(
    fc.record({ kind: fc.constant("update" as const), proxies: fc.constantFrom(...proxies) }),
    fc.record({ kind: fc.constant("get" as const) }),
    fc.record({ kind: fc.constant("rest" as const), count: fc.nat(30) }),
  );
  let revision = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
      const asked: Promise<void>[] = [];
      heard.length = 0;
      const stop = listen();
      for (const one of acts) {
        if (one.kind === "update") update(++revision, one.proxies);
        else if (one.kind === "rest") await rests(one.count);
        else {
          const now = revision;
          const answer = output.get("web").then((files) => {
            const found = revisionIn(files);
            if (found !== null) expect(found).toBeGreaterThanOrEqual(now);
          });
          asked.push(answer);
        }
      }
      await ended(Promise.all(asked));
      update(++revision);
      expect(revisionIn(await ended(output.get("web")))).toBe(revision);
      const revisions = heard.filter((text) => text !== null).map((text) => Number(text.split(" ")[2]));
      expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
      expect(revisions.at(-1)).toBe(revision);
      stop();
    }),
    { numRuns: 60 },
  );
  expect(failures).toEqual([]);
});
