/** The module of nginx that forwards a rule's requests: its directives are named after it, and for most things there is one in each. */
import type { RuleIr } from "../../ir/index.ts";
import { type Word, word } from "./quote.ts";

const MODULES = { http: word("proxy"), grpc: word("grpc") } as const;

/** What the names of directives begin with. */
export function moduleOf({ protocol }: Pick<RuleIr, "protocol">): Word {
  return MODULES[protocol];
}
