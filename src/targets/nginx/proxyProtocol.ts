/** The PROXY header at the beginning of a port's connections: whose is believed, and what becomes of connections from elsewhere. */
import { PROXY_HEADER_TIMEOUT_MS, type ProxyProtocolIr } from "../../ir/index.ts";
import type { Support } from "../target.ts";
import { block } from "./blocks.ts";
import { underscored } from "./names.ts";
import {
  comment,
  mapEntries,
  mapEntry,
  mapKey,
  milliseconds,
  type Param,
  param,
  type Variable,
  variable,
  word,
} from "./quote.ts";
import type { Block } from "./views.ts";

const notOptional = {
  refused: "cannot be optional: nginx expects a header of every connection of a port, or of none",
  code: "PP-OPTIONAL",
  when: (value: unknown) => value === "optional",
} as const satisfies Support;

/** What nginx says of the leaves of `proxyProtocol`. */
export const proxyProtocolCapabilities = {
  "listener.proxyProtocol.mode": notOptional,
  "listener.proxyProtocol.from[]": "exact",
} as const satisfies Readonly<Record<string, Support>>;

const ANYBODY = ["0.0.0.0/0", "::/0"];

/** 1 for connections from those who may send headers; null: anybody may, or nobody does. */
export function sender(listener: string, asked: ProxyProtocolIr | null): Variable | null {
  return asked === null || asked.from === "" ? null : variable(`sender_${underscored(listener)}`);
}

/** Before the servers of a listener: who sends headers, by the address from which they come. */
export function senderRanges(listener: string, asked: ProxyProtocolIr | null): Block | null {
  const name = sender(listener, asked);
  if (asked === null || name === null) return null;
  const ranges = asked.from.split(" ").map((range) => ({ range: word(range) }));
  return block("geo", { comment: comment(listener), of: variable("realip_remote_addr"), name, ranges });
}

/** The target of connections from those who may send headers: others get none, and are closed. Null: there is no such difference. */
export function ofSenders(
  listener: string,
  asked: ProxyProtocolIr | null,
  target: Param,
): { readonly name: Variable; readonly map: Block } | null {
  const source = sender(listener, asked);
  if (source === null) return null;
  const name = variable(`target_${underscored(listener)}`);
  const entries = mapEntries([mapEntry(mapKey(""), param(""))]);
  return { name, map: block("map", { comment: null, source: param(source), name, entries, fallback: target }) };
}

/** In each server behind a socket of nginx's own: the client is who the server in front says. */
export const innerHeader: Block = block("proxyProtocol", {
  timeout: null,
  trusted: [{ range: word("unix:") }],
  sender: null,
});

/** In each server: the client is who the header says. Null: no header. */
export function headerLines(listener: string, asked: ProxyProtocolIr | null, kind: "http" | "tcp"): Block | null {
  if (asked === null) return null;
  const trusted = asked.from === "" ? ANYBODY : asked.from.split(" ");
  const view = {
    timeout: kind === "http" ? null : milliseconds(PROXY_HEADER_TIMEOUT_MS),
    trusted: trusted.map((range) => ({ range: word(range) })),
    sender: kind === "http" ? sender(listener, asked) : null,
  };
  return block("proxyProtocol", view);
}
