/** What Envoy can do with a fleet; knows nothing of how it is rendered, which takes much longer to load. */
import type { Judge } from "../target.ts";
import { capabilities } from "./capabilities.ts";
import { inspect, inspectRule } from "./inspect.ts";
import { DEFAULT_VERSION } from "./version.ts";

/** Envoy, as `validate` sees it. */
export const envoyJudge: Judge = {
  proxy: "envoy",
  output: "resources",
  defaultVersion: DEFAULT_VERSION,
  capabilities,
  needsPathGroups: false,
  cost: { host: 2200, rule: 100, text: 2, lookup: 0, endpoint: 250 },
  inspect,
  inspectRule,
};
