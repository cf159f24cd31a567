/** Sizes of buffers, of proxies whose buffers bound the largest head. */
import type { Support } from "./target.ts";

/** As in a capability table. */
export const buffersBoundHeads = {
  refused: "cannot be done: the proxy's buffers bound the largest head, which is the same on all proxies",
  code: "PROCESS-BUFFERS",
} as const satisfies Support;
