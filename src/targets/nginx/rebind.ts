/** Writes the file of a socket for other places than its own. */
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { Place } from "../target.ts";
import { hostAndPort } from "./hostAndPort.ts";
import { word } from "./quote.ts";

/**
 * The `listen`s that begin a server, by the text of `server.hbs`, `sharedServer.hbs`, `listener.hbs`, `tcpServer.hbs`, `udpServer.hbs` and
 * `tlsServers.hbs`: the second is of HTTP/3. Sockets of nginx's own stay. Strings and comments are stepped over: what users wrote may look
 * like one.
 */
const STRING_COMMENT_OR_LISTEN =
  /"(?:[^"\\]|\\.)*"|#[^\n]*|( {2}server \{\n) {4}listen (?!unix:)[^\s;]+([^;\n]*);\n(?: {4}listen [^\s;]+( quic[^;\n]*);\n)?/gs;

/** Every server of the file listens at these places; where there is a socket of HTTP/3 beside the one of TCP, at those of UDP with that. */
export function* rebind(text: string, places: readonly Place[]): Steps<string> {
  const parts: string[] = [];
  let end = 0;
  let seen = 0;
  for (const { 0: found, 1: server, 2: options = "", 3: ofQuic, index } of text.matchAll(STRING_COMMENT_OR_LISTEN)) {
    seen += 1;
    if (shouldYield(seen)) yield;
    if (server === undefined) continue;
    const own = ofQuic === undefined ? places : places.filter(({ transport }) => transport === undefined);
    const quic = ofQuic === undefined ? [] : places.filter(({ transport }) => transport === "udp");
    parts.push(text.slice(end, index), server, ...lines(own, options), ...lines(quic, ofQuic ?? ""));
    end = index + found.length;
  }
  return parts.join("") + text.slice(end);
}

function lines(places: readonly Place[], options: string): readonly string[] {
  return places.map(({ address, port }) => `    listen ${word(hostAndPort(address, port)).text}${options};\n`);
}
