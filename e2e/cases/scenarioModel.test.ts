/** The scenario model fits the schemas that the product publishes: a mistake in it is told here, not as 80 failed requests. */
import { readdirSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, it } from "vitest";
import { scenarioAsWritten } from "../harness/model.ts";
import { repositoryRoot } from "../harness/program.ts";

it("scenario/model.yaml fits schemas/", () => {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  ajv.addFormat("ip", (text: string) => isIP(text) !== 0);
  ajv.addFormat("duration-string", /^(?:\d+(?:ms|h|m|s))+$/);
  const folder = join(repositoryRoot, "schemas");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".schema.json"),
  );
  for (const file of files) ajv.addSchema(JSON.parse(readFileSync(join(folder, file), "utf8")));
  const validate = ajv.getSchema("trimtab:config")!;
  validate(scenarioAsWritten());
  expect(validate.errors ?? []).toEqual([]);
});
