/** User text of any length in a location: nginx refuses long parameters, so long text is put together in a variable first. */

import type { TextView } from "./policyViews.ts";
import { chunks, type Part, param, variable } from "./quote.ts";

/** Directives that have to come first, and what then stands for the text. */
export interface PlacedText {
  readonly texts: readonly TextView[];
  readonly part: Part;
}

/** The text itself where it is short, else the variable `name`. */
export function placeText(name: string, text: string): PlacedText {
  return chunks(text).length === 1 ? { texts: [], part: text } : { texts: setText(name, text), part: variable(name) };
}

/** Gives a variable a text, piece by piece. */
export function setText(name: string, text: string): readonly TextView[] {
  const own = variable(name);
  return chunks(text).map((piece, index) => ({ name: own, value: index === 0 ? param(piece) : param(own, piece) }));
}
