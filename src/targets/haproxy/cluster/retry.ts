/** The backends of a cluster for rules that say when to try again: one for all that say the same. */
import type { RetryIr } from "../../../ir/index.ts";
import { contentHash } from "../../../util/hash.ts";
import type { Quoted } from "../../../util/templates.ts";
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
