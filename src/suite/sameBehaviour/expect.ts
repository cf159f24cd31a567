/** What the reference says of a request, down to the fields that the upstream and the client see. */
import { explain } from "../../compiler/index.ts";
import {
  type FleetIr,
  type HeaderChangesIr,
  isActive,
  type RuleIr,
  type VirtualHostIr,
  viaEntry,
} from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import type { ProbeRequest } from "./requests.ts";
import { type Behaviour, type Fields, UPSTREAM_BODY, UPSTREAM_FIELDS, WANTED_STATUS_FIELD } from "./wire.ts";

/** A field's values in order, split at commas; without empty ones. By lower-case name. */
export type FieldLists = Readonly<Record<string, readonly string[]>>;

/** What may happen. Of a split each cluster's outcome is one. */
export interface Expectation {
  /** The rule that takes the request. */
  readonly rule: RuleIr | null;
  readonly virtualHost: VirtualHostIr | null;
  readonly host: string;
  readonly outcomes: readonly ExpectedOutcome[];
}

/** One thing that may happen. */
export interface ExpectedOutcome {
  readonly status: number;
  /** What the upstream sees; null: it is not asked. */
  readonly asked: {
    readonly upstream: string;
    readonly line: string;
    readonly fields: FieldLists;
    readonly body: string;
  } | null;
  /** Whose words the answer is in. */
  readonly answeredBy: "upstream" | "rule" | "proxy";
  readonly fields: FieldLists;
  /** Null: not promised. */
  readonly body: string | null;
}

/** Status of a broken answer of a cluster's endpoints. */
const BROKEN: Readonly<Record<Exclude<Behaviour, "answer"> | "refuse", number>> = {
  close: 502,
  garbage: 502,
  refuse: 503,
};

const REASONS: Readonly<Record<number, string>> = {
  404: "404 Not Found\n",
  405: "405 Method Not Allowed\n",
  502: "502 Bad Gateway\n",
  503: "503 Service Unavailable\n",
};

/** How the endpoints of each cluster behave. */
export type Behaviours = Readonly<Record<string, Behaviour | "refuse">>;

/** Reads the reference. */
export function expectationOf(ir: FleetIr, request: ProbeRequest, behaviours: Behaviours): Expectation {
  const { method, target, fields } = request;
  const kept = fields.filter(([name]) => /^[A-Za-z0-9-]+$/.test(name));
  const explanation = finish(
    explain(ir, {
      fleet: ir.name,
      method,
      host: request.host ?? "",
      path: target,
      headers: kept,
      source: request.source,
    }),
  );
  if (explanation === null) throw new Error("the fleet has one HTTP port");
  const { outcome, host } = explanation;
  const port = ir.ports.find(({ kind }) => kind === "http");
  const virtualHost =
    (port?.kind === "http"
      ? port.virtualHosts.find(({ hostnames }) => hostnames.includes(explanation.virtualHost ?? ""))
      : null) ?? null;
  // Rules are told of in their order; their names are not distinct: one may be named as another's place is.
  if ((virtualHost?.rules.length ?? 0) > explanation.rules.length) throw new Error("more rules than are told of");
  const rule = virtualHost?.rules[explanation.rules.findIndex(({ verdict }) => verdict === "wins")] ?? null;
  const refused: ExpectedOutcome = { status: 400, asked: null, answeredBy: "proxy", fields: {}, body: null };
  const local = (status: number, body: string | null, more: Fields = []): ExpectedOutcome => ({
    status,
    asked: null,
    answeredBy: rule?.action.kind === "respond" ? "rule" : "proxy",
    fields: changed(body === null ? more : [["content-type", "text/plain"], ...more], rule?.policies.responseHeaders),
    body: method === "HEAD" ? "" : body,
  });
  const base = { rule, virtualHost, host };
  // nginx and Envoy themselves refuse it; a Host line may have it.
  if (request.form === "absolute" && request.host?.includes("_") === true)
    return { rule: null, virtualHost: null, host, outcomes: [refused] };
  if (fields.some(([, value]) => value.includes("\0")))
    return { rule: null, virtualHost: null, host, outcomes: [refused] };
  if (outcome.kind === "error") return { ...base, outcomes: [local(outcome.status, REASONS[outcome.status] ?? null)] };
  if (outcome.kind === "redirect")
    return { ...base, outcomes: [{ ...local(outcome.status, null, [["location", outcome.location]]), body: "" }] };
  if (rule?.action.kind === "respond") {
    const { body, contentType, status } = rule.action;
    const answer = local(status, Buffer.from(body, "utf8").toString("latin1"));
    const typed =
      body === "" ? without(answer.fields, "content-type") : { ...answer.fields, "content-type": [contentType] };
    return { ...base, outcomes: [{ ...answer, fields: typed }] };
  }
  if (outcome.kind !== "forward" || rule?.action.kind !== "forward") throw new Error("the reference names no rule");
  const { requestHeaders, rewrite } = rule.policies;
  const asked = {
    line: `${method} ${outcome.path}`,
    fields: requestFields(
      { ...request, host: rewrite?.hostname ?? request.host },
      [...kept, ...viaOf(ir)],
      requestHeaders,
    ),
    body: request.body?.text ?? "",
  };
  const outcomes = outcome.split.map(({ cluster: chosen }): ExpectedOutcome => {
    // Of a cluster with a preference the compiler makes one for each label.
    const [cluster = ""] = chosen.split("_");
    const behaviour =
      ir.clusters.find(({ name }) => name === chosen)?.endpoints.some(isActive) === false
        ? "refuse"
        : behaviours[cluster];
    if (behaviour === undefined) throw new Error(`cluster ${cluster} has no behaviour`);
    const seen = behaviour === "refuse" ? null : { upstream: cluster, ...asked };
    if (behaviour !== "answer")
      return { ...local(BROKEN[behaviour], REASONS[BROKEN[behaviour]] as string), asked: seen };
    const status = Number(kept.find(([name]) => name.toLowerCase() === WANTED_STATUS_FIELD)?.[1] ?? 200);
    const bodiless = method === "HEAD" || status === 204 || status === 304;
    return {
      status,
      asked: seen,
      answeredBy: "upstream",
      fields: changed(UPSTREAM_FIELDS, rule.policies.responseHeaders),
      body: bodiless ? "" : UPSTREAM_BODY,
    };
  });
  return { ...base, outcomes };
}

/** What the port appends. */
function viaOf({ ports }: FleetIr): Fields {
  return ports.flatMap((port) =>
    port.kind === "http" && port.via !== null ? [["via", viaEntry(port.via)] as const] : [],
  );
}

function requestFields({ host, source }: ProbeRequest, kept: Fields, changes: HeaderChangesIr | null): FieldLists {
  // No request of the fuzz asks for an upgrade in Connection too.
  const forwarded = kept.filter(([name]) => !["x-forwarded-proto", "upgrade"].includes(name.toLowerCase()));
  const own: Fields = [
    ["host", host ?? ""],
    ["x-forwarded-for", source],
    ["x-forwarded-proto", "http"],
  ];
  return changed([...forwarded, ...own], changes);
}

/** Sets, adds and removes. */
function changed(fields: Fields, changes: HeaderChangesIr | null | undefined): FieldLists {
  const { set = [], add = [], remove = [] } = changes ?? {};
  const gone = new Set([...set.map(({ name }) => name), ...remove]);
  const left = fields.filter(([name]) => !gone.has(name.toLowerCase()));
  return listsOf([...left, ...[...set, ...add].map(({ name, value }) => [name, value] as const)]);
}

function without(lists: FieldLists, name: string): FieldLists {
  return Object.fromEntries(Object.entries(lists).filter(([key]) => key !== name));
}

/**
 * Fields as lists: one line `a, b` and two lines `a`, `b` mean the same (l7.md 4.11), of Cookie `a; b` (RFC 9113, 8.2.3: HAProxy
 * joins them for all hosts of a listener, docs/decisions/0011), and a field with an empty value is as good as absent (4.6).
 */
export function listsOf(fields: Fields): FieldLists {
  const lists: Record<string, string[]> = {};
  for (const [name, value] of fields) {
    const values = value.split(name.toLowerCase() === "cookie" ? ";" : ",").map((text) => text.trim());
    const found = values.filter((text) => text !== "");
    if (found.length > 0) lists[name.toLowerCase()] = [...(lists[name.toLowerCase()] ?? []), ...found];
  }
  return Object.fromEntries(Object.entries(lists).sort(([a], [b]) => (a < b ? -1 : 1)));
}
