/** Values that differ from rule to rule: maps from the rule's id (`$r`) to a piece of text. */
import type { Class, ClassSpec } from "./classes.ts";
import type { Namer } from "./names.ts";
import { chunks, type MapEntry, type MapKey, mapEntry, type Param, param, type Variable, variable } from "./quote.ts";

/** The variable that holds the id of the rule that took the request. */
export const RULE = variable("r");

/** One line of one map over `$r`. */
export interface Attribute {
  readonly variable: Variable;
  readonly entry: MapEntry;
}

/** An attribute's lines and the variables that, one after the other, give its value. */
export interface SplitAttribute {
  readonly attributes: readonly Attribute[];
  readonly variables: readonly Variable[];
}

/** A line whose value is a parameter that is known to be short. `rule`: its id. */
export function attribute(rule: MapKey, name: string, value: Param): Attribute {
  return { variable: variable(name), entry: mapEntry(rule, value) };
}

/**
 * The lines for user text of any length: nginx refuses long parameters, so the text goes over `<prefix>`, `<prefix>1`, … (all
 * followed by `suffix`), each in a map of its own.
 */
export function textAttribute(rule: MapKey, name: AttributeName, text: string): SplitAttribute {
  const attributes = chunks(text).map((piece, index) => attribute(rule, attributeVariable(name, index), param(piece)));
  return { attributes, variables: attributes.map((line) => line.variable) };
}

export interface AttributeName {
  /** Letters and digits; no digit at its end. */
  readonly prefix: string;
  /** Empty, or `_` and more. */
  readonly suffix: string;
}

/** The variable of an attribute's n-th piece. */
function attributeVariable({ prefix, suffix }: AttributeName, index: number): string {
  return `${prefix}${index === 0 ? "" : index}${suffix}`;
}

/** What lowering a rule needs to know about the fleet. */
export interface RuleContext {
  readonly namer: Namer;
  /** The class of this name; `make` describes it when it is new. Rules then share one object. */
  readonly classOf: (name: string, make: () => ClassSpec) => Class;
  /** The name of a forwarding class of which nothing but the idle timeout is special. Kept, because most rules want one. */
  readonly plainClasses: Map<number, string>;
  /** Of every cluster, by name. */
  readonly connectTimeouts: ReadonlyMap<string, number>;
}
