/** Writes the file of a socket for other places than its own. */
import type { Place } from "../target.ts";
import { word } from "./quote.ts";
import { hostAndPort } from "./upstreams.ts";

/**
 * The `listen` that begins a server, by the text of `server.hbs`, `sharedServer.hbs`, `listener.hbs` and `tcpServer.hbs`. Strings and
 * comments are stepped over: what users wrote may look like one.
 */
const STRING_COMMENT_OR_LISTEN = /"(?:[^"\\]|\\.)*"|#[^\n]*|( {2}server \{\n) {4}listen \S+?( default_server)?;\n/gs;

/** Every server of the file listens at these places. */
export function rebind(text: string, places: readonly Place[]): string {
  const words = places.map(({ address, port }) => word(hostAndPort(address, port)).text);
  return text.replace(STRING_COMMENT_OR_LISTEN, (found, server?: string, isDefault = "") =>
    server === undefined ? found : server + words.map((place) => `    listen ${place}${isDefault};\n`).join(""),
  );
}
