/** Policy classes: one location for all rules that want the same of nginx beyond what a variable can carry. */
import type { RedirectIr, RespondIr } from "../../ir/index.ts";
import {
  literal,
  literalPattern,
  location,
  milliseconds,
  type Param,
  param,
  regex,
  type Variable,
  variable,
  word,
} from "./quote.ts";
import type { Block, ClassView, ForwardClassView, RedirectClassView, RespondClassView } from "./views.ts";

/** A class as the rules that want it share it. */
export interface Class {
  readonly name: string;
  readonly block: Block;
}

/** A class before its view is made: many rules name the same one. */
export type ClassSpec =
  | { readonly kind: "forward"; readonly name: string; readonly policy: ForwardPolicy }
  | {
      readonly kind: "respond";
      readonly name: string;
      readonly policy: { readonly action: RespondIr; readonly body: Param };
    }
  | {
      readonly kind: "redirect";
      readonly name: string;
      readonly policy: { readonly status: RedirectIr["status"]; readonly path: readonly Variable[] };
    };

/** The location of a class. */
export function lowerClass(spec: ClassSpec): ClassView {
  switch (spec.kind) {
    case "forward":
      return forwardClass(spec.name, spec.policy);
    case "respond":
      return respondClass(spec.name, spec.policy);
    case "redirect":
      return redirectClass(spec.name, spec.policy);
  }
}

/** Fields of the backend's answer that nginx would keep for itself; Envoy and HAProxy pass them. */
const KEPT_BY_NGINX = [
  "date",
  "server",
  "x-pad",
  "x-accel-buffering",
  "x-accel-charset",
  "x-accel-expires",
  "x-accel-limit-rate",
  "x-accel-redirect",
];

/** What sets a forwarding class apart. */
export interface ForwardPolicy {
  readonly request: readonly { readonly name: string; readonly value: Param }[];
  /** Fields of the backend's answer that must not reach the client. */
  readonly hidden: readonly string[];
  readonly idleMs: number;
  readonly connectMs: number;
}

/** A location that forwards. `name` without its slash. */
function forwardClass(name: string, policy: ForwardPolicy): ForwardClassView {
  return {
    kind: "forward",
    name: location("prefix", `${name}/`),
    pattern: rawPathPattern(name),
    connectTimeout: milliseconds(policy.connectMs),
    idleTimeout: milliseconds(policy.idleMs),
    requestHeaders: policy.request.map((header) => ({ name: word(header.name), value: header.value })),
    hidden: policy.hidden.map((header) => ({ name: word(header) })),
    passed: KEPT_BY_NGINX.filter((header) => !policy.hidden.includes(header)).map((header) => ({ name: word(header) })),
  };
}

/** Empty: none is sent. An answer without a body has none on any proxy: Envoy takes it off. */
export function contentTypeOf({ body, contentType }: RespondIr): string {
  return body === "" ? "" : contentType;
}

/** A location that answers by itself. The body is a variable even when empty: a literal empty text would be nginx's own page. */
function respondClass(name: string, { action, body }: { action: RespondIr; body: Param }): RespondClassView {
  return {
    kind: "respond",
    name: location("prefix", `${name}/`),
    contentType: literal(contentTypeOf(action)),
    status: word(action.status),
    body,
  };
}

/** A location that redirects to the rule's base, `path`, and the query as it came. */
function redirectClass(
  name: string,
  { status, path }: { readonly status: RedirectIr["status"]; readonly path: readonly Variable[] },
): RedirectClassView {
  return {
    kind: "redirect",
    name: location("prefix", `${name}/`),
    pattern: rawPathPattern(name),
    status: word(status),
    target: param(variable("loc"), ...path, variable("qs")),
  };
}

/** Takes the raw path out of `<class><raw path>/`. */
function rawPathPattern(name: string) {
  return regex(`^${literalPattern(name)}(/.*)/$`);
}
