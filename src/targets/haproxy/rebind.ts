/** Writes the file of a socket for other places than its own. */
import { done, type Steps } from "../../util/steps.ts";
import type { Place } from "../target.ts";
import { address } from "./quote.ts";

/** The first `bind` of a file: before it stands its frontend's name only (`frontend.hbs`, `tcpFrontend.hbs`, `tlsFrontend.hbs`). */
const BIND = /^ {2}bind \S+(?: v6only)?(.*)\n/m;
/** That of UDP: before the first stands nothing that users wrote lines of. */
const QUIC_BIND = /^ {2}bind quic[46]@\S+(?: v6only)?(.*)\n/m;

/** The frontend binds these places. */
export function rebind(text: string, places: readonly Place[]): Steps<string> {
  const lines = (transport: Place["transport"]) => (_: string, options: string) =>
    places
      .filter((place) => place.transport === transport)
      .map((place) => lineOf(place, options))
      .join("");
  return done(text.replace(QUIC_BIND, lines("udp")).replace(BIND, lines(undefined)));
}

function lineOf(place: Place, options: string): string {
  const isV6 = place.address.includes(":");
  const protocol = place.transport === undefined ? "" : `quic${isV6 ? "6" : "4"}@`;
  const v6only = isV6 ? " v6only" : "";
  return `  bind ${protocol}${address(place.address, place.port).text}${v6only}${options}\n`;
}
