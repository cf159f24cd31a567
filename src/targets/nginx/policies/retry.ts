/** `retry`: which requests are sent again, and after what. The rule's others go to a location of their own, where they are sent once. */
import {
  type EndpointIr,
  type FleetIr,
  RESENT_BODY_BYTES,
  RESENT_LENGTHS,
  type ResendsIr,
  type RetryIr,
  type RuleIr,
} from "../../../ir/index.ts";
import { noGrpcRetry } from "../../grpcSupport.ts";
import { retryStatuses, timeoutsOfTries } from "../../retrySupport.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { block } from "../blocks.ts";
import { mapEntries, mapEntry, mapKey, mapRegexKey, param, type Variable, variable, word } from "../quote.ts";
import { isDown } from "../upstream/state.ts";
import type { MapView } from "../views.ts";
import type { Policy } from "./policy.ts";

/** Statuses that `proxy_next_upstream` knows. */
const STATUSES: readonly number[] = [403, 404, 429, 500, 502, 503, 504];
/** Methods that nginx sends again only when it is told to. */
const NOT_IDEMPOTENT: readonly string[] = ["PATCH", "POST"];
/** Those that it sends again without a body after a reset, whatever it is told. */
const IDEMPOTENT: readonly string[] = ["DELETE", "GET", "HEAD", "OPTIONS", "PUT"];

const methodsAnyway = {
  approximated: `leaves out an idempotent method: nginx sends its requests without a body again after a reset all the same`,
  code: "L7-RETRY-METHODS-NGINX",
  when: foundByInspection,
} as const satisfies Support;

const eachOnce = {
  approximated: "is more than there are other endpoints: nginx asks each of a cluster's endpoints once",
  code: "L7-RETRY-ENDPOINTS-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** The policy. */
export const retry = {
  name: "retry",
  capabilities: {
    "route.rules[].retry.attempts": eachOnce,
    "route.rules[].retry.on[]": "exact",
    "route.rules[].retry.statuses[]": retryStatuses("nginx", STATUSES),
    "route.rules[].retry.grpcStatuses[]": noGrpcRetry("nginx"),
    "route.rules[].retry.methods[]": methodsAnyway,
    "route.rules[].retry.perTryTimeout": timeoutsOfTries.silence,
    "route.rules[].retry.backoff": timeoutsOfTries.noBackoff,
  },
  lower: ({ attempts, resends }) => {
    const tries = word(attempts + 1);
    if (resends === null) return { lines: block("policies/retry", { tries, reasons: null }) };
    const { methods, statuses } = resends;
    const reasons = [
      ...statuses.map((status) => `http_${status}`),
      ...(methods.some((method) => NOT_IDEMPOTENT.includes(method)) ? ["non_idempotent"] : []),
    ].map((reason) => ({ reason: word(reason) }));
    const map = onceMap(methods);
    return {
      lines: block("policies/retry", { tries, reasons: { all: reasons, bodyBytes: word(RESENT_BODY_BYTES) } }),
      sentOnce: map.name,
      onceLines: block("policies/retry", { tries, reasons: null }),
      maps: [map],
    };
  },
} as const satisfies Policy<"retry">;

/** 1 for requests that are sent once: of other methods, for a WebSocket, with a body that is longer than what is kept. */
function onceMap(methods: ResendsIr["methods"]): MapView {
  const again = mapRegexKey(`^(?:${methods.join("|")})\\|\\|\\|(?:${RESENT_LENGTHS})$`);
  const parts = ["request_method", "upgrade", "http_transfer_encoding", "http_content_length"].map(variable);
  return {
    comment: null,
    source: param(...parts.flatMap((part, place) => (place === 0 ? [part] : ["|", part]))),
    name: onceVariable(methods),
    // The usual request has none of the others, and needs no expression.
    entries: mapEntries(
      [...methods.map((method) => mapKey(`${method}|||`)), again].map((key) => mapEntry(key, param(""))),
    ),
    fallback: param("1"),
  };
}

function onceVariable(methods: ResendsIr["methods"]): Variable {
  return variable(`once_unless_${methods.join("_").toLowerCase()}`);
}

/** What no single leaf shows of a rule's `retry`. */
export function inspectRetry(rule: RuleIr): readonly Finding[] {
  const own = rule.policies.retry;
  if (own === null) return NONE;
  return [...timeoutsOfTries.inspect(rule), ...leftOut(rule, own)];
}

function leftOut({ name, route, pointer }: RuleIr, { resends }: RetryIr): readonly Finding[] {
  if (resends === null || IDEMPOTENT.every((method) => resends.methods.includes(method))) return NONE;
  const message = `rule ${name}: \`retry.methods\` ${methodsAnyway.approximated}`;
  const resource = { kind: "route", name: route } as const;
  return [{ code: methodsAnyway.code, severity: "warning", message, resource, pointer: `${pointer}/retry/methods` }];
}

/** Warnings about rules that may try more often than a cluster of theirs has endpoints. */
export function inspectTries({ ports, clusters }: FleetIr): readonly Finding[] {
  const found = new Map<string, Finding>();
  const counts = new Map(clusters.map(({ name, endpoints }) => [name, endpoints.filter(isAsked).length]));
  for (const port of ports) {
    if (port.kind !== "http") continue;
    for (const { rules } of port.virtualHosts) {
      for (const rule of rules) if (rule.policies.retry !== null) addFewer(found, rule, counts);
    }
  }
  return [...found.values()];
}

function isAsked(endpoint: EndpointIr): boolean {
  return !isDown(endpoint);
}

function addFewer(
  found: Map<string, Finding>,
  { name, route, pointer, action, policies: { retry } }: RuleIr,
  counts: ReadonlyMap<string, number>,
): void {
  if (action.kind !== "forward" || retry === null || found.has(name)) return;
  // Of a cluster without any, nobody is asked anywhere.
  const few = action.split.find(({ cluster }) => (counts.get(cluster) || Number.POSITIVE_INFINITY) <= retry.attempts);
  if (few === undefined) return;
  const { approximated, code } = eachOnce;
  const message = `rule ${name}: \`retry.attempts\` ${approximated}; ${few.cluster} has ${counts.get(few.cluster)}`;
  const resource = { kind: "route", name: route } as const;
  found.set(name, { code, severity: "warning", message, resource, pointer: `${pointer}/retry` });
}

const NONE: readonly Finding[] = [];
