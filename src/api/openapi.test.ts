/** What OpenAPI tells: schemas that are valid and complete in themselves, typed answers, examples that are true. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, describe, expect, test } from "vitest";
import { formats } from "../model/formats.ts";
import { collections, kindOf } from "../model/index.ts";
import { type CallOptions, clusterOf, startApi, type TestApi } from "./apiHarness.ts";
import type { Access } from "./openapi/document.ts";
import type { Schema } from "./openapi/schema.ts";
import { componentSchemas } from "./openapi.ts";

const components = componentSchemas();
const text = JSON.stringify(components);

const started: TestApi[] = [];
afterAll(async () => {
  for (const t of started) await t.close();
});

interface Media {
  readonly schema: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

interface Answer {
  readonly $ref?: string;
  readonly headers?: object;
  readonly content?: Readonly<Record<string, Media>>;
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly security?: readonly object[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, Answer>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Answer>>; readonly securitySchemes?: object };
  readonly security: readonly object[];
  readonly tags: readonly { readonly name: string }[];
}

async function described(options: { apiToken?: string; access?: Access } = {}): Promise<Description> {
  const t = await startApi(options);
  started.push(t);
  return (await t.call("GET", "/openapi.json")).body as Description;
}

const description = await described();
const operations = Object.values(description.paths).flatMap(Object.values<Operation>);
const byId = Object.fromEntries(operations.map((operation) => [operation.operationId, operation]));

/** Every schema in a schema, itself too. */
function within(schema: unknown): Schema[] {
  if (schema === null || typeof schema !== "object") return [];
  return [...(Array.isArray(schema) ? [] : [schema as Schema]), ...Object.values(schema).flatMap(within)];
}

const ajv = new Ajv2020({ strict: false, formats: { ...formats, "date-time": true, binary: true } });
ajv.addSchema({ $id: "api", components: { schemas: components } });
const compiled = new Map<string, (value: unknown) => boolean>();

/** By a schema that refers to components. */
function judge(schema: object, value: unknown): boolean {
  const source = JSON.stringify(schema).replaceAll('"#/components', '"api#/components');
  const known = compiled.get(source) ?? ajv.compile(JSON.parse(source));
  compiled.set(source, known);
  return known(value);
}

test("components are named as classes are; kinds, their parts and shared values have names", () => {
  const names = Object.keys(components);
  expect(names.filter((name) => !/^[A-Z][A-Za-z0-9]*$/.test(name))).toEqual([]);
  expect(names).toEqual(
    expect.arrayContaining([
      "Config",
      "Route",
      "RouteRule",
      "RouteMatch",
      "ClusterEndpoint",
      "Name",
      "Problem",
      "RoutePatch",
    ]),
  );
});

test("they refer to components only, and all of these are there", () => {
  const targets = [...text.matchAll(/"\$ref":"([^"]*)"/g)].map(([, target = ""]) => target);
  expect(targets.length).toBeGreaterThan(50);
  const names = new Set(Object.keys(components).map((name) => `#/components/schemas/${name}`));
  expect(targets.filter((target) => !names.has(target))).toEqual([]);
  expect(text).not.toMatch(/trimtab:|"\$id"|"\$defs"|"\$schema"/);
});

test("they are schemas, and judge a whole configuration by what stands in them alone", () => {
  const isConfig = (value: unknown): boolean => judge({ $ref: "#/components/schemas/Config" }, value);
  const rule = {
    matches: [{ path: { prefix: "/" } }],
    requestHeaders: { remove: ["X-A"] },
    split: [{ cluster: "api" }],
  };
  const route = (more: object): object => ({
    routes: [{ name: "r", listeners: ["web"], rules: [{ ...rule, ...more }] }],
  });
  expect(isConfig(route({}))).toBe(true);
  for (const wrong of [
    { respond: { status: 200 } },
    { split: undefined },
    { requestHeaders: { remove: ["-"] } },
    { matches: [{ x: 1 }] },
    { matches: [{ path: { prefix: "/", exact: "/" } }] },
    { matches: [{ path: {} }] },
  ])
    expect([wrong, isConfig(JSON.parse(JSON.stringify(route(wrong))))]).toEqual([wrong, false]);
  expect(Object.keys(components.Config?.properties ?? {})).toEqual(collections);
});

test("in the words that generators understand: choices have a type, no default makes a field required, no union of nothings", () => {
  for (const [name, component] of Object.entries(components)) {
    for (const schema of within(component)) {
      if (Array.isArray(schema.enum)) expect([name, typeof schema.type]).toEqual([name, "string"]);
      if (Array.isArray(schema.oneOf))
        expect([name, schema.oneOf.filter(({ $ref, type }) => $ref === undefined && type === undefined)]).toEqual([
          name,
          [],
        ]);
      expect([name, Object.hasOwn(schema, "default") && schema.properties === undefined]).toEqual([name, false]);
    }
  }
  expect(components.HealthCheck?.properties?.interval?.description).toContain("Default: `5s`.");
});

test("a merge patch is typed: nothing is needed, null takes away what may be absent, lists are whole", () => {
  const isPatch = (value: unknown): boolean => judge({ $ref: "#/components/schemas/ClusterPatch" }, value);
  const endpoint = { address: "10.0.0.1", port: 80 };
  for (const right of [
    {},
    { labels: null },
    { labels: { a: null, b: "c" } },
    { timeouts: { connect: null } },
    { endpoints: [endpoint] },
  ])
    expect([right, isPatch(right)]).toEqual([right, true]);
  for (const wrong of [{ endpoints: null }, { timeouts: { connect: 5 } }, { endpoints: [{ port: 80 }] }, { x: 1 }])
    expect([wrong, isPatch(wrong)]).toEqual([wrong, false]);
});

test("every operation has a tag that is explained, and each answer its type", () => {
  const tags = new Set(description.tags.map(({ name }) => name));
  for (const { operationId, responses, tags: own } of operations) {
    expect([operationId, own.filter((tag) => !tags.has(tag))]).toEqual([operationId, []]);
    expect([operationId, Object.keys(responses)]).toEqual([
      operationId,
      expect.arrayContaining(["200", "400", "default"]),
    ]);
    for (const answer of Object.values(responses).filter(({ $ref }) => $ref === undefined))
      for (const [type, { schema }] of Object.entries(answer.content ?? {}))
        expect([operationId, type, Object.keys(schema)]).toEqual([
          operationId,
          type,
          expect.arrayContaining([type.includes("json") ? "$ref" : expect.any(String)]),
        ]);
  }
  for (const collection of collections) {
    const noun = (kindOf(collection) as string).replace(/^./, (letter) => letter.toUpperCase());
    expect(byId[`put${noun}`]?.responses).toMatchObject({
      200: {
        headers: { ETag: {} },
        content: { "application/json": { schema: { $ref: "#/components/schemas/WriteAnswer" } } },
      },
      201: {
        headers: { ETag: {}, Location: {} },
        content: { "application/json": { schema: { $ref: "#/components/schemas/WriteAnswer" } } },
      },
      409: { $ref: "#/components/responses/Conflict" },
      412: { $ref: "#/components/responses/PreconditionFailed" },
      422: { $ref: "#/components/responses/Invalid" },
    });
    expect(byId[`delete${noun}`]?.responses[200]?.headers).not.toHaveProperty("ETag");
    expect(components[`${noun}List`]?.properties?.items).toEqual({
      type: "array",
      items: { $ref: `#/components/schemas/${noun}` },
    });
  }
  expect(byId.getFleetFiles?.responses[304]).toMatchObject({ headers: { ETag: {} } });
});

test("a server without token asks for none and says so; one with a token asks everywhere but at its probes", async () => {
  expect(description.security).toEqual([]);
  expect(description.components.securitySchemes).toBeUndefined();
  expect(byId.getConfig?.responses).not.toHaveProperty("401");
  const closed = await described({ apiToken: "t".repeat(32) });
  expect(closed.security).toEqual([{ bearer: [] }]);
  expect(closed.paths["/v1/config"]?.get).toMatchObject({ responses: { 401: {} } });
  expect(closed.paths["/healthz"]?.get?.security).toEqual([]);
  expect(closed.paths["/readyz"]?.get?.security).toEqual([{}, { bearer: [] }]);
  expect((await described({ access: "either" })).security).toEqual([{ bearer: [] }, {}]);
});

test("every operation has examples, and each is valid", () => {
  const judged = (place: string, { schema, example, examples = {} }: Media): void => {
    for (const value of [
      ...(example === undefined ? [] : [example]),
      ...Object.values(examples).map((one) => one.value),
    ])
      expect([place, value, judge(schema, value)]).toEqual([place, value, true]);
  };
  for (const { operationId, requestBody, responses } of operations) {
    const media = Object.values(responses).flatMap(({ content = {} }) => Object.entries(content));
    const bodies = [...Object.entries(requestBody?.content ?? {}), ...media];
    for (const [type, body] of bodies) {
      if (/json|yaml/.test(type))
        expect([operationId, type, Object.keys(body)]).toEqual([
          operationId,
          type,
          expect.arrayContaining(["example"]),
        ]);
      judged(`${operationId} ${type}`, body);
    }
  }
  for (const [name, { content = {} }] of Object.entries(description.components.responses))
    for (const media of Object.values(content)) judged(name, media);
});

describe("what is answered is what is described", () => {
  const model = {
    fleets: [{ name: "edge", proxy: "envoy" }],
    listeners: [{ name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP" }],
  };
  const blue = clusterOf("blue");
  const etag = { "if-none-match": "*" };
  /** In this order, on one server. */
  const requests: [status: number, line: string, options?: CallOptions][] = [
    [200, "GET /healthz"],
    [200, "GET /readyz?verbose"],
    [200, "GET /readyz?verbose=true"],
    [400, "GET /readyz?verbose=perhaps"],
    [200, "GET /metrics"],
    [200, "GET /v1/config"],
    [200, "PUT /v1/config?dryRun=true", { body: model }],
    [200, "PUT /v1/config", { body: model }],
    [
      200,
      "PUT /v1/config",
      { body: "fleets: [{name: edge, proxy: envoy}]", headers: { "content-type": "application/yaml" } },
    ],
    [400, "PUT /v1/config", { body: "{" }],
    [412, "PUT /v1/config", { body: model, headers: { "if-match": '"77"' } }],
    [415, "PUT /v1/config", { body: "x", headers: { "content-type": "text/plain" } }],
    [422, "PUT /v1/config", { body: { fleets: [{ name: "-" }] } }],
    [200, "POST /v1/config/apply?owner=a", { body: { clusters: [blue] } }],
    [409, "POST /v1/config/apply?owner=b", { body: { clusters: [blue] } }],
    [201, "PUT /v1/clusters/green", { body: clusterOf("green") }],
    [200, "PUT /v1/clusters/green?dryRun=true", { body: clusterOf("green") }],
    [200, "PUT /v1/clusters/green", { body: { ...clusterOf("green"), description: "x" } }],
    [412, "PUT /v1/clusters/green", { body: clusterOf("green"), headers: etag }],
    [422, "PUT /v1/clusters/red", { body: clusterOf("green") }],
    [413, "PUT /v1/clusters/red", { body: { name: "x".repeat(600_000) } }],
    [400, "PUT /v1/clusters/red?dry=1", { body: clusterOf("red") }],
    [200, "PATCH /v1/clusters/green", { body: { description: null } }],
    [404, "PATCH /v1/clusters/red", { body: {} }],
    [200, "GET /v1/clusters?limit=1&label=a"],
    [304, "GET /v1/clusters", { headers: etag }],
    [406, "GET /v1/clusters", { headers: { accept: "text/html" } }],
    [200, "GET /v1/clusters/green"],
    [304, "GET /v1/clusters/green", { headers: etag }],
    [404, "GET /v1/clusters/red"],
    [200, "DELETE /v1/clusters/green"],
    [404, "DELETE /v1/clusters/green"],
    [403, "GET /v1/clusters", { headers: { host: "elsewhere.example" } }],
    [404, "PUT /v1/canaries/none/state", { body: { step: 0 } }],
    [200, "GET /v1/revisions?limit=1"],
    [200, "GET /v1/revisions/1"],
    [404, "GET /v1/revisions/77"],
    [200, "POST /v1/revisions/1/restore?dryRun=true&force=true"],
    [200, "POST /v1/revisions/1/restore?force=true"],
    [409, "GET /v1/fleets/edge/files"],
    [200, "GET /v1/fleets/edge/proxies"],
    [404, "GET /v1/fleets/none/status"],
    [200, "POST /v1/explain", { body: { fleet: "edge", host: "a.example", path: "/" } }],
    [404, "POST /v1/explain", { body: { fleet: "none", host: "a.example", path: "/" } }],
    [422, "POST /v1/explain", { body: { fleet: "edge" } }],
  ];

  test("by status, media type, schema and headers", async () => {
    const t = await startApi();
    started.push(t);
    for (const [status, line, options] of requests) {
      const [method = "", url = ""] = line.split(" ");
      const got = await t.call(method as "GET", url, options);
      expect([line, got.status]).toEqual([line, status]);
      const described = operationAt(method, url).responses[status];
      expect([line, described]).toEqual([line, expect.anything()]);
      const { content, headers = {} } =
        described?.$ref === undefined ? (described as Answer) : responseAt(described.$ref);
      if (content === undefined) {
        expect([line, got.text]).toEqual([line, ""]);
        continue;
      }
      const type = String(got.headers["content-type"]).split(";")[0] as string;
      expect([line, Object.keys(content)]).toEqual([line, expect.arrayContaining([type])]);
      const value = got.body ?? got.text;
      expect([line, value, judge((content[type] as Media).schema, value)]).toEqual([line, value, true]);
      const optional = url.includes("dryRun") ? ["ETag"] : [];
      for (const name of Object.keys(headers).filter((header) => !optional.includes(header)))
        expect([line, name, got.headers[name.toLowerCase()]]).toEqual([line, name, expect.any(String)]);
    }
  });

  function operationAt(method: string, url: string): Operation {
    const [path = ""] = url.split("?");
    const [, operations] = Object.entries(description.paths).find(([template]) =>
      new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path),
    ) as [string, Record<string, Operation>];
    return operations[method.toLowerCase()] as Operation;
  }

  function responseAt(reference: string): Answer {
    return description.components.responses[reference.split("/").at(-1) as string] as Answer;
  }
});
