/** How many connections a frontend takes, as lines of it. */
import type { ConnectionLimitIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import type { Support } from "../target.ts";
import { number } from "./quote.ts";

/** What HAProxy says of the leaves of `connectionLimit`. */
export const connectionLimitCapabilities = {
  "listener.connectionLimit.max": "exact",
  "listener.connectionLimit.perSource": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Part of `frontend.hbs` and `tcpFrontend.hbs`. Null: no limit. */
export interface ConnectionLimitView {
  readonly maxConnections: Quoted<"number"> | null;
  readonly perSource: Quoted<"number"> | null;
}

/** `maxconn` of a frontend would let clients wait in the kernel's queue; these close. */
export function connectionLimitView({ max, perSource }: ConnectionLimitIr): ConnectionLimitView {
  return {
    maxConnections: max === null ? null : number(max),
    perSource: perSource === null ? null : number(perSource),
  };
}
