/**
 * The nginx target (1.22 and later, http and stream).
 *
 * Input: the IR of a fleet, with path groups. Output: `nginx.conf`. Guarantee: the same IR gives the same bytes; unchanged runs
 * of rules and paths are not lowered or rendered again; no user text leaves its quotes. A request is matched by its raw path in
 * nginx's own location tree, reduced to a rule id (`$r`), and served by a policy class that many rules share, with the rule's
 * values looked up in maps; so a route costs map lines and one small location, not a proxied block. Must not: read the model,
 * touch the network, or name anything of the machine it will run on.
 */
import type { Target } from "../target.ts";
import { capabilities } from "./capabilities.ts";
import { checkNginx } from "./check.ts";
import { DEFAULT_VERSION, inspectNginx, inspectNginxRule } from "./inspect.ts";
import { renderNginx } from "./render.ts";

/** nginx, as the registry lists it. */
export const nginxTarget: Target = {
  proxy: "nginx",
  defaultVersion: DEFAULT_VERSION,
  capabilities,
  needsPathGroups: true,
  inspect: inspectNginx,
  inspectRule: inspectNginxRule,
  render: renderNginx,
  check: checkNginx,
};
