/** How a request gets from the location of its path to that of a rule which conditions, or its spelling, have picked. */
import type { RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { hasApart } from "./apart.ts";
import { block, inline } from "./blocks.ts";
import { type Location, location, namedLocation, type Part, param } from "./quote.ts";
import type { Block } from "./views.ts";

/**
 * Of all locations of a server. `listed`: they are named ones, which nginx compares one by one. `searched`: they stand among those of
 * paths, where nginx searches a tree, under names that no path has (paths begin with a slash).
 */
export type Jumps = "listed" | "searched";

/**
 * So many are listed. By callgrind (nginx 1.22.1) each costs a request that jumps past it 8 instructions, 30 where the names are of one
 * length. A searched one costs 1.5 thousand, and 3.1 where the request is forwarded: nginx has no longer the path as it was sent, so a
 * variable passes it on, and then nginx finds the cluster by comparing the names of all, 7 instructions each: so they count against it.
 */
export const MAX_LISTED = 150;

/** About as many as rules that are jumped to. */
export function jumpsOf(hosts: readonly VirtualHostIr[], connectTimeouts: ReadonlyMap<string, number>): Jumps {
  let room = MAX_LISTED + connectTimeouts.size;
  // Most hosts have few rules: nothing to look at.
  if (hosts.reduce((sum, { rules }) => sum + rules.length, 0) <= room) return "listed";
  for (const { rules } of hosts)
    for (const rule of rules) if (isJumpedTo(rule, connectTimeouts) && --room < 0) return "searched";
  return "listed";
}

function isJumpedTo(rule: RuleIr, connectTimeouts: ReadonlyMap<string, number>): boolean {
  const { conditions, policies, action } = rule;
  if (conditions.length > 0) return true;
  if (action.kind !== "forward") return false;
  if (hasApart(rule)) return true;
  if (policies.rewrite?.path?.kind === "prefix") return true;
  const [first, ...others] = action.split;
  if (first === undefined || others.length === 0) return false;
  const timeout = connectTimeouts.get(first.cluster);
  return others.some(({ cluster }) => connectTimeouts.get(cluster) !== timeout);
}

/** The last line of a location that jumps; `target` has its `@`. */
export function jumpTo(target: Part, jumps: Jumps): Block {
  return inline(jumps === "listed" ? "jump" : "searchedJump", { target: param(target) });
}

/** The line of a location with a native rewrite, for requests that are to be passed on as they were spelled. */
export function jumpIfRespelled(name: string, jumps: Jumps): Block {
  return block("respelled", { jump: jumpTo(name, jumps) });
}

/** What stands behind `location` where the jump ends. */
export function jumpTarget(name: string, jumps: Jumps): Location {
  const named = namedLocation(name);
  return jumps === "listed" ? named : location("exact", name);
}
