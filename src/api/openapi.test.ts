/** What OpenAPI tells: schemas that are valid and complete in themselves, typed answers, examples that are true. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, expect, test } from "vitest";
import { formats } from "../model/formats.ts";
import { collections, kindOf } from "../model/index.ts";
import { startApi, type TestApi } from "./apiHarness.ts";
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

function validator(): (schema: Schema) => (value: unknown) => boolean {
  const ajv = new Ajv2020({ strict: false, formats: { ...formats, "date-time": true, binary: true } });
  ajv.addSchema({ $id: "api", components: { schemas: components } });
  return (schema) => ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')));
}

test("components are named as classes are; kinds, their parts and shared values have names", () => {
  const names = Object.keys(components);
  expect(names.filter((name) => !/^[A-Z][A-Za-z0-9]*$/.test(name))).toEqual([]);
  expect(names).toEqual(
    expect.arrayContaining(["Config", "Route", "RouteRule", "RouteMatch", "Endpoint", "Name", "Problem", "RoutePatch"]),
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
  const judge = validator()({ $ref: "#/components/schemas/Config" });
  const rule = {
    matches: [{ path: { prefix: "/" } }],
    requestHeaders: { remove: ["X-A"] },
    split: [{ cluster: "api" }],
  };
  const route = (more: object): object => ({
    routes: [{ name: "r", listeners: ["web"], rules: [{ ...rule, ...more }] }],
  });
  expect(judge(route({}))).toBe(true);
  for (const wrong of [
    { respond: { status: 200 } },
    { split: undefined },
    { requestHeaders: { remove: ["-"] } },
    { matches: [{ x: 1 }] },
    { matches: [{ path: { prefix: "/", exact: "/" } }] },
    { matches: [{ path: {} }] },
  ])
    expect([wrong, judge(JSON.parse(JSON.stringify(route(wrong))))]).toEqual([wrong, false]);
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
  const judge = validator()({ $ref: "#/components/schemas/ClusterPatch" });
  const endpoint = { address: "10.0.0.1", port: 80 };
  for (const right of [
    {},
    { labels: null },
    { labels: { a: null, b: "c" } },
    { timeouts: { connect: null } },
    { endpoints: [endpoint] },
  ])
    expect([right, judge(right)]).toEqual([right, true]);
  for (const wrong of [{ endpoints: null }, { timeouts: { connect: 5 } }, { endpoints: [{ port: 80 }] }, { x: 1 }])
    expect([wrong, judge(wrong)]).toEqual([wrong, false]);
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
  const judge = validator();
  const judged = (place: string, { schema, example, examples = {} }: Media): void => {
    for (const value of [
      ...(example === undefined ? [] : [example]),
      ...Object.values(examples).map((one) => one.value),
    ])
      expect([place, value, judge(schema)(value)]).toEqual([place, value, true]);
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
