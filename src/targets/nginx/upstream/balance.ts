/** How an endpoint of an upstream group is chosen. */
import type { BalanceIr, ClusterIr, KeyIr } from "../../../ir/index.ts";
import { foundByInspection, type Support, type Version } from "../../target.ts";
import { isBefore } from "../../version.ts";
import { block } from "../blocks.ts";
import { headerVariable, underscored } from "../names.ts";
import {
  FIRST_CAPTURE,
  literalPattern,
  mapEntries,
  mapEntry,
  mapRegexKey,
  param,
  type Variable,
  variable,
  word,
} from "../quote.ts";
import { hashedSessions } from "../udpSupport.ts";
import type { BalanceView, UpstreamContext } from "./views.ts";

/** `least_time` is nginx Plus' before. */
const LEAST_TIME_SINCE: Version = [1, 31, 0];

const leastTimeSince = {
  refused: "`leastTime` needs nginx 1.31.0: set the fleet's `version` if it is newer, or take leastRequest",
  code: "LB-LATENCY",
  when: (value: unknown, version: Version) => value === "leastTime" && isBefore(version, LEAST_TIME_SINCE),
} as const satisfies Support;

const noBound = {
  refused: "cannot be done: nginx does not bound the load of an endpoint that keys go to",
  code: "LB-BOUNDED",
} as const satisfies Support;

/** What nginx says of the leaves of `balance`. */
export const balanceCapabilities = {
  "cluster.balance.policy": [leastTimeSince, { ...hashedSessions, when: foundByInspection }],
  "cluster.balance.hash.by": "exact",
  "cluster.balance.hash.name": "exact",
  "cluster.balance.hash.boundedLoad": noBound,
} as const satisfies Readonly<Record<string, Support>>;

/** A client is its session, unless it is hashed by its address alone. */
const BY_SESSION: BalanceView = {
  bySession: true,
  leastRequest: false,
  random: false,
  powerOfTwo: false,
  leastTime: null,
  hashKey: null,
  keyMap: null,
};

/** The policy as an upstream group has it. */
export function balanceView({ name, balance }: ClusterIr, context: UpstreamContext): BalanceView {
  const { policy } = balance;
  if (context === "sessions" && policy !== "hash") return BY_SESSION;
  return {
    bySession: false,
    leastRequest: policy === "leastRequest",
    random: policy === "random",
    powerOfTwo: policy === "powerOfTwo",
    leastTime: policy === "leastTime" ? word(context === "http" ? "header" : "first_byte") : null,
    ...keyView(name, balance),
  };
}

function keyView(cluster: string, balance: BalanceIr): Pick<BalanceView, "hashKey" | "keyMap"> {
  if (balance.policy !== "hash") return { hashKey: null, keyMap: null };
  const { key } = balance;
  switch (key.kind) {
    case "source":
      return { hashKey: variable("remote_addr"), keyMap: null };
    case "path":
      return { hashKey: variable("raw_path"), keyMap: null };
    case "header":
      return { hashKey: headerVariable(key.name), keyMap: null };
    case "query":
    case "cookie":
      return mapped(variable(`hash_key_${underscored(cluster)}`), key);
  }
}

/** `$arg_k` and `$cookie_k` know no case, and rules may write a new query: as conditions read them (fields.ts), of what was sent. */
function mapped(name: Variable, key: Extract<KeyIr, { kind: "query" | "cookie" }>) {
  const own = literalPattern(key.name);
  const [source, pattern, mark] =
    key.kind === "query"
      ? ["query", `[?&]${own}(?:=([^&]*)|(?=&|$))`, "="]
      : ["http_cookie", `(?:^|;)[ \\t]*${own}=([^;]*)`, ""];
  const entries = mapEntries([mapEntry(mapRegexKey(pattern), param(mark, FIRST_CAPTURE))]);
  const view = { comment: null, source: param(variable(source)), name, entries, fallback: param("") };
  return { hashKey: name, keyMap: block("map", view) };
}
