/** What is refused before a rule is looked for, in HAProxy's words: from the IR's data. */
import { BAD_CONNECTION, BAD_PATH, BAD_TARGET_CHARACTERS, KNOWN_METHODS, REASON_BODIES } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { name, number, plainBody, word } from "./quote.ts";

/** Statuses that HAProxy answers by itself, by its parser or by a rule of ours. */
const OWN_STATUSES = [400, 403, 404, 405, 408, 500, 502, 503, 504];

/** `http.hbs`: refusals and bodies of answers. */
export interface RequestsView {
  /** All but GET, which is asked for first. */
  readonly methods: readonly Quoted<"name">[];
  readonly badPath: Quoted<"word">;
  readonly badTarget: Quoted<"word">;
  readonly badConnection: Quoted<"word">;
  readonly answers: readonly { readonly status: Quoted<"number">; readonly body: Quoted<"text"> }[];
}

/** The same for every fleet. */
export function requestsView(): RequestsView {
  const patterns = ["^[^/]", `[${BAD_TARGET_CHARACTERS}]`, ...BAD_PATH.anywhere, `(?:${BAD_PATH.atEnd.join("|")})$`];
  return {
    methods: KNOWN_METHODS.filter((method) => method !== "GET").map(name),
    badPath: word(patterns.join("|")),
    badTarget: word(`[${BAD_TARGET_CHARACTERS}]`),
    badConnection: word(BAD_CONNECTION),
    answers: OWN_STATUSES.map((status) => ({ status: number(status), body: bodyOf(status) })),
  };
}

function bodyOf(status: number): Quoted<"text"> {
  const body = plainBody(REASON_BODIES[status] ?? "");
  if (body === null) throw new Error(`no plain body for ${status}`);
  return body;
}
