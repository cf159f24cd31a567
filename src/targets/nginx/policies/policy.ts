/** What each policy of a rule gives to the configuration: the shape of the files beside this one. */
import type { PoliciesIr, RuleIr } from "../../../ir/index.ts";
import type { Support } from "../../target.ts";
import type { Param, Part, Variable, Word } from "../quote.ts";
import type { Block, MapView } from "../views.ts";

/** A policy's entry in the list of `index.ts`. */
export interface Policy<Name extends keyof PoliciesIr> {
  readonly name: Name;
  /** What the capability table says of its leaves. */
  readonly capabilities: Readonly<Record<string, Support>>;
  readonly lower: (policy: NonNullable<PoliciesIr[Name]>, rule: RuleIr) => PolicyPart;
}

/** All of it may be left out: the policy changes nothing there. */
export interface PolicyPart {
  /** Directives of the rule's location. */
  readonly lines?: Block;
  /** What WebSockets have in their place, in a location of their own. */
  readonly webSocketLines?: Block;
  /** Is 1 for requests that are sent once, which have a location of their own; of `retry`. */
  readonly sentOnce?: Variable;
  /** What they have there in place of `lines`; also WebSockets, which have no lines of their own. */
  readonly onceLines?: Block;
  readonly path?: PathChange;
  /** The Host that the endpoint sees. */
  readonly host?: string;
  /** Fields that the endpoint gets; an empty one it does not get. */
  readonly requestFields?: readonly RequestField[];
  /** Fields that the server adds to answers when their variable has a value. */
  readonly answerFields?: readonly AnswerField[];
  /** Maps of the http block that the directives need; the same name is the same map. */
  readonly maps?: readonly MapView[];
}

/** A field of a request. */
export interface RequestField {
  readonly name: Word;
  readonly value: Param;
}

/** It changes nothing at all: the usual case. */
export const UNCHANGED: PolicyPart = Object.freeze({});

/** The path that the endpoint sees. */
export interface PathChange {
  /** Directives that come before; the location where they stand may be any. */
  readonly lines: Block;
  /** What then stands behind the upstream's name. */
  readonly uri: Part;
  /** The same where nginx can replace the prefix of the location by itself: what stands behind the upstream's name. */
  readonly native: string | null;
}

/** A field of answers, and the variable that rules set. */
export interface AnswerField {
  readonly name: string;
  readonly variable: string;
  /** Among the fields of this name. */
  readonly place: number;
}

/** The order in which answers have the fields. */
export function comparePlaces(a: AnswerField, b: AnswerField): number {
  if (a.name === b.name) return a.place - b.place;
  return a.name < b.name ? -1 : 1;
}
