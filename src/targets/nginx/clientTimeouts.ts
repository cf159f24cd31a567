/** How long clients may take, as directives of each server: nginx reads a head by those of the socket's default server. */
import { type ClientTimeoutsIr, USUAL_CLIENT_TIMEOUTS } from "../../ir/index.ts";
import { block, joinBlocks } from "./blocks.ts";
import { milliseconds, word } from "./quote.ts";
import type { Block, Views } from "./views.ts";

type ClientTimeoutView = Views["clientTimeout"];

const DIRECTIVES: readonly (readonly [keyof ClientTimeoutsIr, string])[] = [
  ["headersMs", "client_header_timeout"],
  ["bodyMs", "client_body_timeout"],
  ["sendMs", "send_timeout"],
  ["keepAliveMs", "keepalive_timeout"],
];

/** What common.conf says: the model's defaults. */
export const usualClientTimeouts: readonly ClientTimeoutView[] = DIRECTIVES.map((entry) =>
  viewOf(USUAL_CLIENT_TIMEOUTS, entry),
);

/** Those that a server has to say itself; null: none. */
export function clientTimeoutLines(timeouts: ClientTimeoutsIr): Block | null {
  const own = DIRECTIVES.filter(([field]) => timeouts[field] !== USUAL_CLIENT_TIMEOUTS[field]);
  if (own.length === 0) return null;
  return joinBlocks(own.map((entry) => block("clientTimeout", viewOf(timeouts, entry))));
}

function viewOf(timeouts: ClientTimeoutsIr, [field, directive]: (typeof DIRECTIVES)[number]): ClientTimeoutView {
  return { directive: word(directive), time: milliseconds(timeouts[field]) };
}
