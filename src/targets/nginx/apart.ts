/** Requests that a rule serves from a location of their own: for WebSockets, and those that `retry` sends once. */
import type { RuleIr } from "../../ir/index.ts";
import { block, NO_BLOCK } from "./blocks.ts";
import type { PolicyPart } from "./policies/policy.ts";
import type { Block } from "./views.ts";

/** Some requests of a rule. */
export interface Apart {
  /** What the name of their location ends with. */
  readonly suffix: string;
  /** What stands there. */
  readonly lines: readonly Block[];
  /** The line that leads there. */
  readonly jump: (jump: Block) => Block;
}

const NONE: readonly never[] = [];

/** In the order in which they are asked. */
export function apartOf(
  parts: readonly PolicyPart[],
  linesOf: (parts: readonly PolicyPart[]) => readonly Block[],
): readonly Apart[] {
  const isOfTunnels = parts.some(({ webSocketLines }) => webSocketLines !== undefined);
  const sentOnce = parts.find((part) => part.sentOnce !== undefined)?.sentOnce;
  if (!isOfTunnels && sentOnce === undefined) return NONE;
  const found: Apart[] = [];
  if (isOfTunnels) {
    const own = parts.map((part) => ({ ...part, lines: part.webSocketLines ?? onceLines(part) }));
    found.push({ suffix: ":-websocket", lines: linesOf(own), jump: (jump) => block("webSocket", { jump }) });
  }
  if (sentOnce !== undefined) {
    const own = parts.map((part) => ({ ...part, lines: onceLines(part) }));
    found.push({ suffix: ":-once", lines: linesOf(own), jump: (jump) => block("once", { sentOnce, jump }) });
  }
  return found;
}

function onceLines(part: PolicyPart): Block {
  return part.onceLines ?? part.lines ?? NO_BLOCK;
}

/** Whether the rule may have such locations. */
export function hasApart({ protocol, policies: { timeouts, retry } }: RuleIr): boolean {
  if (retry !== null && retry.resends !== null) return true;
  return (
    protocol === "http" && timeouts !== null && timeouts.requestMs !== null && timeouts.requestMs < timeouts.idleMs
  );
}
