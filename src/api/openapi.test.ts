/** The schemas that OpenAPI tells: valid, and complete in themselves. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { collections } from "../model/index.ts";
import { componentSchemas } from "./openapi.ts";

const components = componentSchemas();
const text = JSON.stringify(components);

test("components are named as OpenAPI 3.1 allows; kinds, their parts and shared values keep their names", () => {
  const names = Object.keys(components);
  expect(names.filter((name) => !/^[A-Za-z0-9._-]+$/.test(name))).toEqual([]);
  expect(names).toEqual(
    expect.arrayContaining(["config", "route", "routeRule", "routeMatch", "routeRequestHeaders", "name", "Problem"]),
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
  const ajv = new Ajv2020({ strict: false, formats: { ip: true, "duration-string": true, "date-time": true } });
  const judge = ajv.compile({ components: { schemas: components }, $ref: "#/components/schemas/config" });
  const rule = {
    matches: [{ path: { prefix: "/" } }],
    requestHeaders: { remove: ["X-A"] },
    split: [{ cluster: "api" }],
  };
  const route = (more: object): object => ({
    routes: [{ name: "r", listeners: ["web"], rules: [{ ...rule, ...more }] }],
  });
  expect(judge(route({}))).toBe(true);
  for (const wrong of [{ respond: { status: 200 } }, { requestHeaders: { remove: ["-"] } }, { matches: [{ x: 1 }] }])
    expect([wrong, judge(route(wrong))]).toEqual([wrong, false]);
  expect(Object.keys((components.config as { properties: object }).properties)).toEqual(collections);
});
