/** Writes the file of a socket for other places than its own. */
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { Place } from "../target.ts";
import { hostAndPort } from "./hostAndPort.ts";
import { word } from "./quote.ts";

/**
 * The `listen` that begins a server, by the text of `server.hbs`, `sharedServer.hbs`, `listener.hbs`, `tcpServer.hbs` and
 * `tlsServers.hbs`; sockets of nginx's own stay. Strings and comments are stepped over: what users wrote may look like one.
 */
const STRING_COMMENT_OR_LISTEN = /"(?:[^"\\]|\\.)*"|#[^\n]*|( {2}server \{\n) {4}listen (?!unix:)[^\s;]+([^;\n]*);\n/gs;

/** Every server of the file listens at these places. */
export function* rebind(text: string, places: readonly Place[]): Steps<string> {
  const words = places.map(({ address, port }) => word(hostAndPort(address, port)).text);
  const parts: string[] = [];
  let end = 0;
  let seen = 0;
  for (const { 0: found, 1: server, 2: options = "", index } of text.matchAll(STRING_COMMENT_OR_LISTEN)) {
    seen += 1;
    if (shouldYield(seen)) yield;
    if (server === undefined) continue;
    parts.push(text.slice(end, index), server, ...words.map((place) => `    listen ${place}${options};\n`));
    end = index + found.length;
  }
  return parts.join("") + text.slice(end);
}
