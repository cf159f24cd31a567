/**
 * Large and small writes side by side on a whole control plane: what is stored, served and remembered afterwards is what a control
 * plane that saw the stored model alone would have. No test here looks at the time.
 */
import { afterEach, expect, test } from "vitest";
import { type Snapshot, toDocument } from "../model/index.ts";
import { createPipeline } from "../pipeline/index.ts";
import { loadTargets } from "../targets/registry.ts";
import { finish } from "../util/steps.ts";
import { freshSnapshot } from "./outcome.ts";
import { type Plane, startPlane } from "./planeHarness.ts";

/** Large enough to be judged aside on three fleets. */
const ROUTES = 1_500;
const HOSTS = 50;
const ROUNDS = 2;
const FLEETS = ["edge", "web", "hap"];

function model(round: number): Record<string, object[]> {
  const names = Array.from({ length: ROUTES }, (_, index) => `n${index}`);
  return {
    fleets: [
      { name: "edge", proxy: "envoy" },
      { name: "web", proxy: "nginx" },
      { name: "hap", proxy: "haproxy" },
    ],
    listeners: [{ name: "http", fleets: FLEETS, port: 18080, protocol: "HTTP" }],
    clusters: ["a", "b", "c"].map((name) => ({ name, endpoints: [{ address: "127.0.0.1", port: 80 + round }] })),
    routes: names.map((name, index) => ({
      name,
      listeners: ["http"],
      hostnames: [`h${index % HOSTS}.example`],
      rules: [{ matches: [{ path: { prefix: `/p${round}/${index}` } }], split: [{ cluster: "abc"[index % 3] }] }],
    })),
  };
}

let plane: Plane;
afterEach(() => plane.close());

async function send(method: string, path: string, body?: object): Promise<{ status: number; revision: number }> {
  const init =
    body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`${plane.url}${path}`, { method, ...init });
  return { status: answer.status, revision: ((await answer.json()) as { revision: number }).revision };
}

/** Resources of its own, the large write's, a listener: one after the other, each over what the last round left. */
async function smallWrites(round: number): Promise<number[]> {
  const statuses: number[] = [];
  const put = async (path: string, body: object): Promise<unknown> =>
    statuses.push((await send("PUT", path, body)).status);
  for (let index = 0; index < 12; index++) {
    const name = `own${index}`;
    await put(`/v1/clusters/${name}`, { name, endpoints: [{ address: "127.0.0.1", port: 1 + round }] });
    const rules = [{ matches: [{ path: { exact: `/own/${round}/${index}` } }], split: [{ cluster: name }] }];
    await put(`/v1/routes/${name}`, { name, listeners: ["http"], hostnames: [`h${index}.example`], rules });
    const over = {
      ...model(9).routes?.[index],
      rules: [{ matches: [{ path: { exact: `/over/${round}` } }], respond: { status: 200 } }],
    };
    await put(`/v1/routes/n${index}`, over);
  }
  const others = { fleets: ["web"], port: 18081 + round, protocol: "HTTP" };
  await put(`/v1/listeners/other${round}`, { name: `other${round}`, ...others });
  statuses.push((await send("DELETE", "/v1/routes/own3")).status);
  return statuses;
}

/** What a pipeline that never saw another model gives for the fleet. */
async function alone(snapshot: Snapshot, fleet: string): Promise<unknown> {
  const pipeline = createPipeline(await loadTargets());
  const fresh = freshSnapshot(toDocument(snapshot));
  if (fresh === null) throw new Error("what is stored does not pass the model's rules");
  const ir = finish(pipeline.compile(fresh)).fleets.get(fleet);
  if (ir === undefined) throw new Error(`no fleet ${fleet}`);
  return finish(pipeline.render(ir, "files")).whole.files;
}

test("of large and small writes at once everything is stored once, in order, and served as it is stored", async () => {
  plane = await startPlane();
  expect((await send("PUT", "/v1/config", model(0))).status).toBe(200);
  for (let round = 1; round <= ROUNDS; round++) {
    const applying = send("POST", "/v1/config/apply", model(round));
    const statuses = await smallWrites(round);
    expect(statuses.filter((status) => status !== 200 && status !== 201)).toEqual([]);
    expect((await applying).status).toBe(200);
    const { snapshot, revision } = plane.store.head();
    expect(snapshot.route.size).toBe(ROUTES + 11);
    for (const fleet of ["web", "hap"]) {
      const files = await plane.publisher.files(fleet);
      expect(files?.revision).toBe(revision);
      expect(files?.files).toEqual(await alone(snapshot, fleet));
    }
  }
  expect(plane.failures).toEqual([]);
});
