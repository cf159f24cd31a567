/** Writes the file of a socket for other places than its own. */
import { done, type Steps } from "../../util/steps.ts";
import type { Place } from "../target.ts";
import { address } from "./quote.ts";

/** The one `bind` of a file: before it stands its frontend's name only (`frontend.hbs`, `tcpFrontend.hbs`). */
const BIND = /^ {2}bind .*\n/m;

/** The frontend binds these places. */
export function rebind(text: string, places: readonly Place[]): Steps<string> {
  const lines = places.map((place) => {
    const v6only = place.address.includes(":") ? " v6only" : "";
    return `  bind ${address(place.address, place.port).text}${v6only}\n`;
  });
  return done(text.replace(BIND, () => lines.join("")));
}
