/** What HAProxy can do with a fleet; knows nothing of how it is rendered, which takes much longer to load. */
import type { Judge } from "../target.ts";
import { capabilities } from "./capabilities.ts";
import { inspect, inspectRule } from "./inspect.ts";
import { DEFAULT_VERSION } from "./version.ts";

/** HAProxy, as `validate` sees it. */
export const haproxyJudge: Judge = {
  proxy: "haproxy",
  output: "files",
  defaultVersion: DEFAULT_VERSION,
  capabilities,
  needsPathGroups: true,
  cost: { host: 1700, rule: 450, text: 2, lookup: 2000, endpoint: 250 },
  inspect,
  inspectRule,
};
