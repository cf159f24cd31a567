/** Writes the file of a socket for other places than its own. */
import { done, type Steps } from "../../util/steps.ts";
import type { Place } from "../target.ts";
import { address } from "./quote.ts";

/** The one `bind` of a file: before it stands its frontend's name only (`frontend.hbs`, `tcpFrontend.hbs`). */
const BIND = /^ {2}bind \S+(?: v6only)?(.*)\n/m;

/** The frontend binds these places. */
export function rebind(text: string, places: readonly Place[]): Steps<string> {
  const line = (place: Place, options: string): string => {
    const v6only = place.address.includes(":") ? " v6only" : "";
    return `  bind ${address(place.address, place.port).text}${v6only}${options}\n`;
  };
  return done(text.replace(BIND, (_, options: string) => places.map((place) => line(place, options)).join("")));
}
