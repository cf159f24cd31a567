/**
 * The HAProxy target.
 *
 * Input: a fleet's IR, with path groups. Output: `haproxy.cfg`, its map files and the bodies of direct answers, for HAProxy
 * 2.6 and later. Guarantee: pure and deterministic; a constant number of rules plus map files, linear only in distinct header
 * names, prefix lengths, weight vectors, answers, chains and virtual hosts with regexes, never in routes; names come from ids
 * and content, so a change moves no neighbour's line; unchanged runs of rules and paths are not lowered again. The files
 * name no absolute path, no user, no log and no socket: a second `-f` file of the agent's adds those (its own `global` section).
 *
 * It must not see the model, other targets, the network or the clock; only `check` touches the file system, in a temporary
 * folder, and only `quote.ts` turns text into configuration.
 */
import type { Target } from "../target.ts";
import { capabilities } from "./capabilities.ts";
import { check } from "./check.ts";
import { inspect, inspectRule } from "./inspect.ts";
import { render } from "./render.ts";
import { DEFAULT_VERSION } from "./version.ts";

/** HAProxy, as the registry lists it. */
export const haproxyTarget: Target = {
  proxy: "haproxy",
  defaultVersion: DEFAULT_VERSION,
  capabilities,
  needsPathGroups: true,
  inspect,
  inspectRule,
  render,
  check,
};
