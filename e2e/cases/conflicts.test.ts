/** Concurrent writers: ETag on every answer, `If-Match` and `If-None-Match: *` honoured, 412 changes nothing. */
import { beforeAll, expect, it } from "vitest";
import { call, must } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { serve } from "../harness/serve.ts";
import { observe } from "../harness/state.ts";

beforeAll(async () => {
  await serve({
    clusters: [cluster("conflict", 9)],
    routes: [route("conflict", "conflict.e2e.example", { split: [{ cluster: "conflict" }] })],
  });
});

const body = (status: number): object => route("conflict", "conflict.e2e.example", { respond: { status } });
const path = "/v1/routes/conflict";
const send = (line: string, headers: Record<string, string>, content?: object): ReturnType<typeof call> =>
  call(e2e().program.api, line, content === undefined ? { headers } : { headers, body: content });

it("If-Match of the present ETag writes, of an old one does not", async () => {
  const first = (await must(e2e().program.api, `GET ${path}`)).etag!;
  expect(first).toMatch(/^"[^"]+"$/);
  const second = await send(`PUT ${path}`, { "if-match": first }, body(201));
  expect(second.status).toBe(200);
  expect(second.etag).not.toBe(first);
  const before = await observe();
  const stale = await send(`PUT ${path}`, { "if-match": first }, body(202));
  expect(stale.status).toBe(412);
  expect(stale.contentType).toMatch(/^application\/problem\+json/);
  expect((await send(`DELETE ${path}`, { "if-match": first })).status).toBe(412);
  expect((await send(`PATCH ${path}`, { "if-match": first }, { description: "x" })).status).toBe(412);
  expect(await observe()).toEqual(before);
  expect((await must(e2e().program.api, `GET ${path}`)).etag).toBe(second.etag);
});

it("of two writers with the same ETag one wins", async () => {
  const { etag } = await must(e2e().program.api, `GET ${path}`);
  const answers = await Promise.all(
    [210, 211, 212, 213].map((status) => send(`PUT ${path}`, { "if-match": etag! }, body(status))),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
  const winner = answers.find(({ status }) => status === 200)!;
  expect((await must(e2e().program.api, `GET ${path}`)).etag).toBe(winner.etag);
});

it("If-None-Match: * creates, and does not overwrite", async () => {
  const fresh = "/v1/clusters/conflict-fresh";
  const content = cluster("conflict-fresh", 9);
  expect((await send(`PUT ${fresh}`, { "if-none-match": "*" }, content)).status).toBe(201);
  expect((await send(`PUT ${fresh}`, { "if-none-match": "*" }, content)).status).toBe(412);
  expect((await send(`DELETE ${fresh}`, {})).status).toBe(200);
  expect((await send(`GET ${fresh}`, {})).status).toBe(404);
});

it("If-Match on something that is not there is 412", async () => {
  expect(
    (await send("PUT /v1/clusters/conflict-none", { "if-match": '"0123456789abcdef"' }, cluster("conflict-none", 9)))
      .status,
  ).toBe(412);
});

it("the whole configuration has an ETag too", async () => {
  const { api } = e2e().program;
  const config = await must(api, "GET /v1/config");
  await must(api, `PUT ${path}`, { body: body(299) });
  const stale = await send("PUT /v1/config", { "if-match": config.etag! }, config.json);
  expect(stale.status).toBe(412);
  expect((await must(api, "GET /v1/config")).etag).not.toBe(config.etag);
});

it("writing what is there already makes no revision", async () => {
  const before = await observe();
  const { etag } = await must(e2e().program.api, `GET ${path}`);
  const same = await send(`PUT ${path}`, {}, body(299));
  expect(same.status).toBe(200);
  expect(same.etag).toBe(etag);
  expect(await observe()).toEqual(before);
});
