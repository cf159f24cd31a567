/**
 * Rules that the proxy answers itself, each a backend without servers: redirects, bodies, and 503 where nobody is to be asked. So
 * a request finds them by name like any other backend, and no line of them stands in anybody's way.
 */
import type { RedirectIr, RespondIr, RuleIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { type CallAnswerView, callUnavailable } from "./grpc.ts";
import type { ListenerContext } from "./listenerContext.ts";
import { answerBackend, bodyFile, ruleKey } from "./names.ts";
import { changesOf } from "./policies/index.ts";
import { comment, file, name, number, plainBody, text, word } from "./quote.ts";
import { type ReplacementView, replacementOf } from "./replacedPrefix.ts";

/** `answer.hbs`. No redirect and no respond: 503. */
interface AnswerView {
  readonly key: Quoted<"comment">;
  readonly what: Quoted<"comment">;
  readonly name: Quoted<"name">;
  readonly tellsHttp3: boolean;
  readonly redirect: RedirectView | null;
  readonly respond: RespondView | null;
  /** Of a call, which nobody is to be asked for; else null. */
  readonly call: CallAnswerView | null;
}

/** The parts of a `Location`. */
interface RedirectView {
  readonly status: Quoted<"number">;
  readonly scheme: Quoted<"name">;
  /** Null: the request's. */
  readonly host: Quoted<"name"> | null;
  /** Null: none is written. */
  readonly port: Quoted<"number"> | null;
  /** Null, as `replaced`: the request's path. */
  readonly path: Quoted<"text"> | null;
  readonly replaced: ReplacementView | null;
}

/** `file` and `body` null: no body, and then no Content-Type, as on the other proxies. */
interface RespondView {
  readonly status: Quoted<"number">;
  readonly contentType: Quoted<"word">;
  readonly body: Quoted<"text"> | null;
  readonly file: Quoted<"file"> | null;
}

/** RFC 9110: these have no content, and HAProxy refuses to give them any. */
const BODILESS = [204, 205, 304];

/** Whether the rule is answered here; else a cluster is asked. */
export function isAnswered({ action }: RuleIr): boolean {
  return action.kind !== "forward" || action.split.length === 0;
}

/** The backend of a rule, and the file of its body. */
export function answerOf(
  owner: RuleIr,
  context: ListenerContext,
): { readonly text: string; readonly body: { readonly path: string; readonly text: string } | null } {
  const { action } = owner;
  const key = ruleKey(owner);
  const body = action.kind === "respond" && hasBody(action) && plainBody(action.body) === null ? action.body : null;
  const view: AnswerView = {
    key: comment(key),
    what: comment(titleOf(owner)),
    name: name(answerBackend(context.listener, key)),
    tellsHttp3: context.port.http3 !== null,
    redirect: action.kind === "redirect" ? redirectView(owner, action, context.port) : null,
    respond: action.kind === "respond" ? respondView(key, action) : null,
    call: owner.protocol === "grpc" ? callUnavailable : null,
  };
  const changes = changesOf(owner).map(({ template, view: change }) =>
    context.section(template, { ...change, rule: null, map: null }),
  );
  return {
    text: context.section("answer", view) + changes.join("") + context.section("answerEnd", view),
    body: body === null ? null : { path: bodyFile(key), text: body },
  };
}

function titleOf({ action, path }: RuleIr): string {
  if (action.kind === "redirect") return `${path.value} is redirected`;
  return action.kind === "respond" ? `${path.value} is answered with ${action.status}` : `${path.value} has no cluster`;
}

function redirectView(owner: RuleIr, action: RedirectIr, own: ListenerContext["port"]): RedirectView {
  const scheme = action.scheme ?? (own.tls === null ? "http" : "https");
  const port = action.port === "listener" ? own.port : action.port;
  const { path } = action;
  return {
    status: number(action.status),
    scheme: name(scheme),
    host: action.hostname === null ? null : name(action.hostname),
    port: port === null || port === (scheme === "https" ? 443 : 80) ? null : number(port),
    path: path?.kind === "full" ? text(path.value) : null,
    replaced: path?.kind === "prefix" ? replacementOf(owner.path, path.value) : null,
  };
}

function respondView(key: string, action: RespondIr): RespondView {
  const body = hasBody(action) ? plainBody(action.body) : null;
  return {
    status: number(action.status),
    contentType: word(action.contentType),
    body,
    file: hasBody(action) && body === null ? file(bodyFile(key)) : null,
  };
}

function hasBody({ status, body }: RespondIr): boolean {
  return body !== "" && !BODILESS.includes(status);
}
