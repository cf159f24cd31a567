/** How many connections a listener takes. */
import { type ConnectionLimitIr, NO_CONNECTION_LIMIT } from "../../ir/index.ts";
import type { Listener } from "../../model/index.ts";
import { reuse } from "../reuse.ts";

/** Gives `before` itself when it says the same: so nearly all ports have one object. */
export function connectionLimit({ connectionLimit: limit }: Listener, before = NO_CONNECTION_LIMIT): ConnectionLimitIr {
  return reuse<ConnectionLimitIr>(before, { max: limit?.max ?? null, perSource: limit?.perSource ?? null });
}
