/**
 * A whole configuration does not hold the event loop: its work comes in steps that are small, it rests whenever a slice is
 * used up, others are served meanwhile, and the outcome does not depend on where it rested. No test here looks at the time.
 */
import { afterEach, describe, expect, test } from "vitest";
import {
  applyChanges,
  type Change,
  createChecker,
  diffSnapshotsSteps,
  emptySnapshot,
  type Snapshot,
  toDocumentSteps,
  validateConfigSteps,
} from "../model/index.ts";
import { createPipeline } from "../pipeline/index.ts";
import { loadTargets } from "../targets/registry.ts";
import type { Pace } from "../util/slices.ts";
import { finish, type Steps } from "../util/steps.ts";
import { type Plane, startPlane } from "./planeHarness.ts";

const targets = await loadTargets();
const ROUTES = 1000;
/** Cheap items may be taken by the dozen; nothing takes more of them at once. */
const MAX_ITEMS_PER_STEP = 32;

/** `hosts` of them share `ROUTES` routes; every route names a cluster of its own. */
function model(hosts: number, prefix = "/p"): Record<string, object[]> {
  const names = Array.from({ length: ROUTES }, (_, index) => `n${index}`);
  return {
    fleets: [
      { name: "edge", proxy: "envoy" },
      { name: "web", proxy: "nginx" },
      { name: "hap", proxy: "haproxy" },
    ],
    listeners: [{ name: "http", fleets: ["edge", "web", "hap"], port: 18080, protocol: "HTTP" }],
    clusters: names.map((name) => ({ name, endpoints: [{ address: "127.0.0.1", port: 80 }] })),
    routes: names.map((name, index) => ({
      name,
      listeners: ["http"],
      hostnames: [`h${index % hosts}.example`],
      rules: [{ matches: [{ path: { prefix: `${prefix}/${index}` } }], split: [{ cluster: name }] }],
    })),
  };
}

/** Runs the steps; `yields` counts the places where they could have rested. */
function counted<T>(steps: Steps<T>): { value: T; yields: number } {
  for (let yields = 0; ; yields++) {
    const step = steps.next();
    if (step.done) return { value: step.value, yields };
  }
}

describe.each([1, 10, ROUTES])("%i hosts: every long part comes in steps", (hosts) => {
  const { resources } = finish(validateConfigSteps(model(hosts)));
  const changes = resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change);
  const snapshot = applyChanges(emptySnapshot, changes);
  const pipeline = createPipeline(targets);
  const compiled = finish(pipeline.compile(snapshot));
  const edge = compiled.fleets.get("edge");
  if (edge === undefined) throw new Error("no fleet");
  const parts: [string, () => Steps<unknown>][] = [
    ["shape and hashes", () => validateConfigSteps(model(hosts))],
    ["rules", () => createChecker()(snapshot, changes)],
    ["compilation of something new", () => createPipeline(targets).compile(freshCopy(snapshot))],
    ["compilation of a change of everything", () => pipeline.compile(freshCopy(snapshot))],
    ["gate", () => createPipeline(targets).gate(edge)],
    ["rendering for Envoy", () => rendering(freshCopy(snapshot), "edge")],
    ["rendering for nginx", () => rendering(freshCopy(snapshot), "web")],
    ["rendering for HAProxy", () => rendering(freshCopy(snapshot), "hap")],
    ["comparison", () => diffSnapshotsSteps(emptySnapshot, snapshot)],
  ];

  test.each(parts)("%s", (_, steps) => {
    expect(counted(steps()).yields).toBeGreaterThanOrEqual(ROUTES / MAX_ITEMS_PER_STEP);
  });
});

/** The same model of new objects: nothing is remembered of it. */
function freshCopy(snapshot: Snapshot): Snapshot {
  const document = JSON.parse(JSON.stringify(finish(toDocumentSteps(snapshot)))) as unknown;
  const { resources } = finish(validateConfigSteps(document));
  const changes = resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change);
  return applyChanges(emptySnapshot, changes);
}

function rendering(snapshot: Snapshot, fleet: string): Steps<unknown> {
  const pipeline = createPipeline(targets);
  const ir = finish(pipeline.compile(snapshot)).fleets.get(fleet);
  if (ir === undefined) throw new Error("no fleet");
  return pipeline.render(ir, targets.get(ir.proxy).output);
}

describe("the running server", () => {
  let plane: Plane;
  afterEach(() => plane.close());

  /** Every look at the clock finds the slice used up; `turns` counts the rests. */
  function restless(): Pace & { turns: number } {
    let clock = 0;
    return {
      turns: 0,
      now: () => (clock += 1000),
      turn() {
        this.turns += 1;
        return new Promise((resume) => setImmediate(resume));
      },
    };
  }

  async function put(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
    const all = { "content-type": "application/json", ...headers };
    return fetch(`${plane.url}${path}`, { method: "PUT", headers: all, body: JSON.stringify(body) });
  }

  test("answers others while a whole configuration is written, and shows it only when it is stored", async () => {
    const pace = restless();
    plane = await startPlane({ pace });
    let answered = false;
    const writing = put("/v1/config", model(10)).then((response) => {
      answered = true;
      return response;
    });
    while (pace.turns < 100) await new Promise((resume) => setImmediate(resume));
    const health = await fetch(`${plane.url}/healthz`);
    const listed = (await (await fetch(`${plane.url}/v1/routes`)).json()) as { items: unknown[] };
    expect({ health: health.status, routes: listed.items.length, answered }).toEqual({
      health: 200,
      routes: 0,
      answered: false,
    });
    expect((await writing).status).toBe(200);
    expect(plane.store.head().snapshot.route.size).toBe(ROUTES);
    expect(plane.publisher.publishedRevision()).toBe(1);
    expect(plane.failures).toEqual([]);
  });

  test.each(["web", "hap"])("answers others while the files of fleet %s are rendered", async (fleet) => {
    const pace = restless();
    plane = await startPlane({ pace });
    expect((await put("/v1/config", model(10))).status).toBe(200);
    const before = pace.turns;
    let answered = false;
    const asking = fetch(`${plane.url}/v1/fleets/${fleet}/files`).then((response) => {
      answered = true;
      return response;
    });
    while (pace.turns < before + 20) await new Promise((resume) => setImmediate(resume));
    expect((await fetch(`${plane.url}/healthz`)).status).toBe(200);
    expect(answered).toBe(false);
    const files = (await (await asking).json()) as { revision: number; files: { text: string }[] };
    expect(files.revision).toBe(1);
    expect(files.files.some(({ text }) => text.includes(`/p/${ROUTES - 1}/`))).toBe(true);
    expect(plane.failures).toEqual([]);
  });

  test("of two whole configurations at once with one If-Match, one is stored and the other is told", async () => {
    plane = await startPlane({ pace: restless() });
    expect((await put("/v1/config", {})).status).toBe(200);
    const match = { "if-match": '"0"' };
    const [first, second] = await Promise.all([
      put("/v1/config", model(10, "/one"), match),
      put("/v1/config", model(10, "/two"), match),
    ]);
    expect([first.status, second.status].sort()).toEqual([200, 412]);
    expect(plane.store.head().revision).toBe(1);
    const stored = JSON.stringify(plane.store.head().snapshot.route.get("n0")?.body);
    expect(stored).toContain(first.status === 200 ? "/one/0" : "/two/0");
  });

  test("gives the same answer wherever it rests: writes, findings, reads, restores", async () => {
    const clash = model(10);
    clash.routes = (clash.routes ?? []).map((route, index) => ({ ...route, hostnames: [`h${index >> 1}.example`] }));
    for (const route of clash.routes) {
      (route as { rules: object[] }).rules = [
        { matches: [{ path: { prefix: "/same" } }], split: [{ cluster: "none" }] },
      ];
    }
    const answers: string[][] = [];
    for (const pace of [undefined, restless()]) {
      plane = await startPlane(pace === undefined ? {} : { pace });
      const get = (path: string): Promise<string> => fetch(`${plane.url}${path}`).then((response) => response.text());
      const post = (path: string, body?: object): Promise<string> => {
        const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
        return fetch(`${plane.url}${path}`, body === undefined ? { method: "POST" } : init).then((r) => r.text());
      };
      answers.push([
        await (await put("/v1/config", model(10))).text(),
        await (await put("/v1/config", clash)).text(),
        await (await put("/v1/config", { ...model(10), routes: [{ name: "x", bogus: 1 }, 7], fleets: 1 })).text(),
        await post("/v1/config/apply?owner=me", model(20)),
        await post("/v1/revisions/1/restore"),
        await get("/v1/config"),
        await get("/v1/revisions/1"),
      ]);
      if (pace === undefined) await plane.close();
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]?.[1]).toContain("MODEL-DUPLICATE-MATCH");
    expect(answers[0]?.[2]).toContain("/routes/1");
  });

  test("does a small change at once: looking at the clock is all that it pays", async () => {
    const pace = { turns: 0, now: () => 0, turn: () => Promise.reject(new Error("a small change must not rest")) };
    plane = await startPlane({ pace });
    const cluster = { name: "a", endpoints: [{ address: "127.0.0.1", port: 80 }] };
    expect((await put("/v1/clusters/a", cluster)).status).toBe(201);
    expect(plane.publisher.publishedRevision()).toBe(1);
  });
});
