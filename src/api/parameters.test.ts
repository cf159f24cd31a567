import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { explainSchema } from "./explainSchema.ts";
import * as parameters from "./parameters.ts";

const { compileSchema, ...schemas } = parameters;

test.each(Object.entries({ ...schemas, explainSchema }))(
  "%s is a JSON Schema, which no start checks again",
  (_, schema) => {
    const ajv = new Ajv2020({ strictTuples: false });
    expect([ajv.validateSchema(schema), ajv.errors]).toEqual([true, null]);
  },
);
