/** The requests of `requests.test.ts`, answered alike by nginx and HAProxy of a newer release, for whose versions they are written. */
import { connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e } from "../harness/context.ts";
import { type Model, scenario } from "../harness/model.ts";
import { type NewerProxies, newerAddresses, newerFleet, newerNames, startNewer } from "../harness/newer.ts";
import { send } from "../harness/rawHttp.ts";
import { deadPort } from "../harness/serve.ts";
import { problemsOf } from "../scenario/check.ts";
import { rows } from "../scenario/requests.ts";

let newer: NewerProxies;
let model: Model;
beforeAll(async () => {
  const { ports, upstreams } = e2e();
  model = scenario({ ports, upstreams, deadPort: deadPort() });
  for (const listener of model.listeners) listener.fleets = [...listener.fleets, ...newerNames.map(newerFleet)];
  const fleets = newerNames.map(newerFleet);
  model.listeners.push({ name: "both", fleets, port: ports.http2, protocol: "HTTP", http: { http2: true } });
  model.routes.push({ name: "both", listeners: ["both"], rules: [{ respond: { status: 200, body: "both" } }] });
  newer = await startNewer(newerNames, model);
});
afterAll(() => newer?.stop());

describe.each(newerNames)("%s", (name) => {
  const address = newerAddresses[name];
  it.each(rows)("$name", async (row) => {
    expect(await problemsOf({ address, port: e2e().ports.http }, row)).toEqual([]);
  });

  it("takes what the client begins with, HTTP/1.1 or HTTP/2", async () => {
    const { ports } = e2e();
    const host = "both.newer.example";
    const session = connect(`http://${host}:${ports.http2}`, {
      createConnection: () => connectTcp(ports.http2, address),
    });
    const stream = session.request({ ":authority": host });
    const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      stream.once("response", resolve);
      stream.once("error", reject);
      session.once("error", reject);
    });
    session.destroy();
    expect(headers[":status"]).toBe(200);
    expect((await send({ address, port: ports.http2 }, { path: "/", host })).body).toBe("both");
  });

  it("takes a change by a reload", async () => {
    const { ports } = e2e();
    const route = { name: "changed", listeners: ["web"], rules: [{ respond: { status: 200, body: "changed" } }] };
    await newer.serve({ ...model, routes: [...model.routes, { ...route, hostnames: [`${name}.changed.example`] }] });
    const answer = await send({ address, port: ports.http }, { path: "/", host: `${name}.changed.example` });
    expect(answer.body).toBe("changed");
  });
});
