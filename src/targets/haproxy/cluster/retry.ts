/** The backends of a cluster for rules that say when to try again: one for all that say the same. */
import type { FleetIr, RetryIr, RuleIr } from "../../../ir/index.ts";
import { contentHash } from "../../../util/hash.ts";
import type { Quoted } from "../../../util/templates.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { name, number, time } from "../quote.ts";

/** `retry.hbs`. */
export interface RetryView {
  readonly retries: Quoted<"number">;
  /** Null: what was sent is sent again as everywhere. */
  readonly resends: {
    readonly reasons: readonly { readonly reason: Quoted<"name"> }[];
    readonly methods: readonly { readonly method: Quoted<"name"> }[];
    /** Null: silence is no reason. */
    readonly perTry: Quoted<"time"> | null;
  } | null;
}

/** Digits of the hash: a cluster has few of these backends. */
const HASH_DIGITS = 8;

/** Such a backend's name: `cart:retry-5f0c2a91`. No rule alone has a backend of this form: those have two colons. */
export function retryBackend(cluster: string, { attempts, resends }: RetryIr): string {
  return `${cluster}:retry-${contentHash(JSON.stringify([attempts, resends])).slice(0, HASH_DIGITS)}`;
}

/** In all such backends of a fleet: one with four keeps 29 KiB (seen), these 120 MB. Else each rule could bring all endpoints again. */
const MAX_SERVERS = 16_384;

/** Found by inspection of a fleet. */
export const tooManyBackends = {
  refused: `is one of too many different ones: HAProxy needs a backend with all of the cluster's endpoints for each, at most ${MAX_SERVERS} in all`,
  code: "L7-RETRY-BACKENDS-HAPROXY",
  when: foundByInspection,
} as const satisfies Support;

/** An error when rules say too many different things of clusters with many endpoints. */
export function inspectBackends({ ports, clusters, name: fleet }: FleetIr): readonly Finding[] {
  const backends = new Map<string, Set<RetryIr>>();
  for (const port of ports) {
    if (port.kind !== "http") continue;
    for (const { rules } of port.virtualHosts) for (const rule of rules) addBackends(backends, rule);
  }
  if (backends.size === 0) return [];
  const servers = clusters.reduce((sum, { name, endpoints }) => {
    return sum + (backends.get(name)?.size ?? 0) * endpoints.length;
  }, 0);
  if (servers <= MAX_SERVERS) return [];
  const message =
    `the rules' \`retry\` come to ${servers} endpoints in backends of their own, and HAProxy may have ${MAX_SERVERS}: ` +
    "let more rules say the same";
  const resource = { kind: "fleet", name: fleet } as const;
  return [{ code: tooManyBackends.code, severity: "error", message, resource, pointer: "" }];
}

/** Equal ones are one object. */
function addBackends(found: Map<string, Set<RetryIr>>, { action, policies: { retry } }: RuleIr): void {
  if (retry === null || action.kind !== "forward") return;
  for (const { cluster } of action.split) found.set(cluster, (found.get(cluster) ?? new Set()).add(retry));
}

/** What it says. `isSingle`: there is no other endpoint to try, and HAProxy would wait a second before it tries the same again. */
export function retryView({ attempts, resends }: RetryIr, isSingle: boolean): RetryView {
  if (resends === null) return { retries: number(attempts), resends: null };
  const { methods, statuses, perTryMs } = resends;
  const reasons = [
    ...(isSingle ? [] : ["conn-failure"]),
    "empty-response",
    ...(perTryMs === null ? [] : ["response-timeout"]),
    ...statuses.map(String),
  ];
  return {
    retries: number(attempts),
    resends: {
      reasons: reasons.map((reason) => ({ reason: name(reason) })),
      methods: methods.map((method) => ({ method: name(method) })),
      perTry: perTryMs === null ? null : time(perTryMs),
    },
  };
}
