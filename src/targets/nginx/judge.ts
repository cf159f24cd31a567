/** What nginx can do with a fleet; knows nothing of how it is rendered, which takes much longer to load. */
import type { Judge } from "../target.ts";
import { capabilities } from "./capabilities.ts";
import { inspectNginx, inspectNginxRule } from "./inspect.ts";
import { DEFAULT_VERSION } from "./version.ts";

/** nginx, as `validate` sees it. */
export const nginxJudge: Judge = {
  proxy: "nginx",
  output: "files",
  defaultVersion: DEFAULT_VERSION,
  capabilities,
  needsPathGroups: true,
  cost: { host: 3500, rule: 900, text: 5, lookup: 1400, endpoint: 400 },
  inspect: inspectNginx,
  inspectRule: inspectNginxRule,
};
