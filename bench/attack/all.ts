/** The attacks, in the order in which they run. */
import { churn } from "./churn.ts";
import { requestHeads } from "./heads.ts";
import { jsonBodies } from "./jsonShapes.ts";
import { manyBodies } from "./manyBodies.ts";
import { manyWrites } from "./manyWrites.ts";
import { oneResource } from "./oneResource.ts";
import { products } from "./products.ts";
import { regexes } from "./regexes.ts";
import { restarts } from "./restarts.ts";
import { sequences } from "./sequences.ts";
import { slowBodies } from "./slowBodies.ts";
import { slowReaders } from "./slowReaders.ts";
import { tinyChunks } from "./tinyChunks.ts";
import type { Attack } from "./types.ts";
import { yamlBodies } from "./yamlBodies.ts";

/** For comparison. */
const nobody: Attack = { name: "(nobody)", promise: "others are served", run: async () => [] };

export const attacks: readonly Attack[] = [
  nobody,
  jsonBodies,
  yamlBodies,
  oneResource,
  manyBodies,
  slowBodies,
  slowReaders,
  manyWrites,
  tinyChunks,
  churn,
  requestHeads,
  products,
  regexes,
  sequences,
  restarts,
];
