/** A frontend that knows requests again by Via. */
import { LOOP_BODY, LOOP_STATUS, viaEntry, viaPattern } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { number, plainBody, word } from "./quote.ts";

const body = plainBody(LOOP_BODY);

/** Part of `frontend.hbs`. */
export interface ViaView {
  /** Null: it does not guard. */
  readonly via: {
    readonly status: Quoted<"number">;
    readonly body: Quoted<"text">;
    readonly pattern: Quoted<"word">;
    /** What the backends append to Via (`http.hbs`). */
    readonly entry: Quoted<"word">;
  } | null;
}

/** The guard; an answer of a rule is not forwarded and gets nothing. */
export function viaView(via: string | null): ViaView {
  if (via === null || body === null) return { via: null };
  return { via: { status: number(LOOP_STATUS), body, pattern: word(viaPattern(via)), entry: word(viaEntry(via)) } };
}
