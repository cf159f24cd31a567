/**
 * The intermediate representation: what one fleet has to do, in words that no proxy and no API owns.
 *
 * Input: nothing; these are types of plain, immutable data (decision 13) that survive a JSON round trip. Output: the
 * vocabulary between the compiler and the targets. Guarantee: all defaults are filled in, all names resolve, all lists stand in
 * canonical order (equal models give equal IR). A node whose inputs did not change is the same object as in the last
 * compilation, so a target may cache by identity. No logic here, and no import of model or targets.
 */
export type { LeafPath } from "../gen/leafPaths.ts";

/** The proxies that a fleet can consist of; the values of `fleet.proxy`. */
export type ProxyKind = "envoy" | "nginx" | "haproxy";

/** Everything one fleet has to do. */
export interface FleetIr {
  readonly name: string;
  readonly proxy: ProxyKind;
  /** Oldest proxy version that must understand the output, as `1.22`; null: the target's default. */
  readonly version: string | null;
  /** Ascending by address, then port. At most one per address and port. */
  readonly ports: readonly PortIr[];
  /** Every cluster that some port can reach, ascending by name. */
  readonly clusters: readonly ClusterIr[];
  /** The documents behind this IR, for the capability gate and for messages. Ascending by kind, then name. */
  readonly sources: readonly SourceIr[];
}

/** One socket; `kind` tells the protocol that it speaks. */
export type PortIr = HttpPortIr | TcpPortIr;

/** One socket that speaks HTTP. */
export interface HttpPortIr {
  readonly kind: "http";
  /** `http-<address>-<port>` with `[^a-z0-9]` of the address written `-`; unique in the fleet. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** Ascending by hostname. Hostnames are unique. No entry serves a request: 404. */
  readonly virtualHosts: readonly VirtualHostIr[];
}

/** One socket that passes bytes. */
export interface TcpPortIr {
  readonly kind: "tcp";
  /** `tcp-<address>-<port>`, as above. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** Each connection goes to one of these; empty: the connection is closed. */
  readonly split: SplitIr;
  /** A connection with no byte in either direction for this long is closed. */
  readonly idleTimeoutMs: number;
}

/** The rules for one host. The choice of host is exclusive. */
export interface VirtualHostIr {
  /** `v` and 12 hex digits of the hostname's hash: stable, whatever else changes. */
  readonly id: string;
  /** Lower case: `a.example.com`, `*.example.com` (any depth, not the apex) or `*` (any host). */
  readonly hostname: string;
  /** In precedence order: the first that matches takes the request. May be empty: 404. */
  readonly rules: readonly RuleIr[];
  /** The same rules arranged by path for proxies that look up instead of scan; null when nobody asked (`withPathGroups`). */
  readonly groups: readonly PathGroupIr[] | null;
}

/** One match of one rule of one route. The same object in every virtual host that it serves. */
export interface RuleIr {
  /** `<route>.<rule>.<match>`, numbers from 0; unique in the fleet; characters `[a-z0-9.-]`. */
  readonly id: string;
  readonly route: string;
  /** The rule's own name, or null. */
  readonly ruleName: string | null;
  /** JSON pointer of the rule in its route, as `/rules/0`. */
  readonly pointer: string;
  readonly path: PathMatchIr;
  /** Upper case, or null for any. */
  readonly method: string | null;
  /** All hold. Names are lower case; ascending by name. */
  readonly headers: readonly HeaderMatchIr[];
  readonly action: ActionIr;
  /** Applies to every answer of this rule, also to the proxy's own. */
  readonly responseHeaders: HeaderChangesIr;
}

export interface PathMatchIr {
  readonly kind: "exact" | "regex" | "prefix";
  /** exact: raw path. regex: full match of the raw path. prefix: whole elements, no slash at the end except `/` itself. */
  readonly value: string;
}

export interface HeaderMatchIr {
  readonly name: string;
  /** exact: case-sensitive, a repeated field equals nothing. present: not empty. absent: missing or empty. */
  readonly kind: "exact" | "regex" | "present" | "absent";
  /** Empty for present and absent. */
  readonly value: string;
}

/** What happens to a request that a rule takes. */
export type ActionIr = ForwardIr | RedirectIr | RespondIr;

export interface ForwardIr {
  readonly kind: "forward";
  /** Empty: 503. */
  readonly split: SplitIr;
  /** Replaces the matched prefix; without a slash at the end, `/` alone means "strip". Null: path unchanged. Only on prefix matches. */
  readonly rewritePrefix: string | null;
  readonly requestHeaders: HeaderChangesIr;
  /** Backend silence that ends the request with 504. */
  readonly idleTimeoutMs: number;
  /** Total time that ends the request with 504; null: none. */
  readonly requestTimeoutMs: number | null;
}

export interface RedirectIr {
  readonly kind: "redirect";
  /** Null: the request's. */
  readonly scheme: "http" | "https" | null;
  /** Null: the request's host, lower case, without port and trailing dot. */
  readonly hostname: string | null;
  /** A number is written unless it is the scheme's default. Null: no port. `listener`: the listener's, unless the scheme's default. */
  readonly port: number | "listener" | null;
  /** Null: the request's raw path. Prefix replaces the matched prefix as in ForwardIr. The query is always kept. */
  readonly path: { readonly kind: "full" | "prefix"; readonly value: string } | null;
  readonly status: 301 | 302 | 303 | 307 | 308;
}

/** The proxy answers by itself. `status` is 200 to 599 and no redirect; `body` is sent as UTF-8 and may be empty. */
export interface RespondIr {
  readonly kind: "respond";
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

/** Relative shares. Weights are at least 1, clusters distinct, ascending by cluster. */
export type SplitIr = readonly { readonly cluster: string; readonly weight: number }[];

/** Names are lower case and stand in one list only; each list ascending by name; `add` keeps the written order of equal names. */
export interface HeaderChangesIr {
  readonly set: readonly HeaderSettingIr[];
  readonly add: readonly HeaderSettingIr[];
  readonly remove: readonly string[];
}

/** A header field: name in lower case, literal value (no proxy's variables). */
export interface HeaderSettingIr {
  readonly name: string;
  readonly value: string;
}

/**
 * All requests whose path has one longest pattern of a virtual host: an exact path, a regex, or a prefix that is the longest
 * to cover the path. `candidates` already holds the rules of everything less specific that could still take such a request
 * (static fall-through) and ends at the first rule that certainly matches.
 */
export interface PathGroupIr {
  /** `<virtual host id>.<n>` in canonical order. */
  readonly id: string;
  readonly path: PathMatchIr;
  readonly candidates: readonly CandidateIr[];
  /** What happens when no candidate matches: 404, or look the path up among the prefixes only (regex hosts), or cannot happen. */
  readonly otherwise: "notFound" | "prefixes" | "never";
  readonly decision: DecisionIr;
}

/** A rule that may take the group's requests when its conditions hold. */
export interface CandidateIr {
  /** Index into the virtual host's `rules`. */
  readonly rule: number;
  /** A full-match regex that the path must match too (a regex rule seen from another group); null: none. */
  readonly pathRegex: string | null;
}

/**
 * How a group picks its candidate. direct: the only one. table: one look-up of a tuple of small classes. chain: try the
 * candidates in order.
 */
export type DecisionIr =
  | { readonly kind: "direct" }
  | { readonly kind: "chain" }
  | { readonly kind: "table"; readonly dimensions: readonly DimensionIr[]; readonly rows: readonly TableRowIr[] };

/**
 * One field that the group looks at. `classes` of an exact field: `a` = absent or empty, `o` = other, `1..n` = the n-th of
 * `values` (1-based, exact, case-sensitive; a repeated header is `o`). A regex dimension has the classes `0` and `1`
 * (non-empty and full match).
 */
export interface DimensionIr {
  readonly field: FieldIr;
  readonly kind: "exact" | "regex";
  readonly values: readonly string[];
}

/** What a condition looks at. */
export type FieldIr =
  | { readonly kind: "method" }
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "path" };

/** One class per dimension, and the index into `rules` that wins. Combinations without a row take `otherwise`. */
export interface TableRowIr {
  readonly classes: readonly string[];
  readonly rule: number;
}

export interface ClusterIr {
  readonly name: string;
  /** Weight at least 1; ascending by address, then port. Empty: 503 (HTTP), closed connection (TCP). */
  readonly endpoints: readonly EndpointIr[];
  readonly policy: "roundRobin" | "leastRequest";
  readonly connectTimeoutMs: number;
  readonly healthCheck: HealthCheckIr | null;
}

/** One server: IP address (IPv6 without brackets), port, and relative weight (at least 1). */
export interface EndpointIr {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
}

export interface HealthCheckIr {
  readonly kind: "tcp" | "http";
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  readonly port: number | null;
  /** Null for tcp. */
  readonly http: {
    readonly method: string;
    readonly path: string;
    readonly host: string;
    /** Both ends included, ascending. */
    readonly expectedStatus: readonly { readonly low: number; readonly high: number }[];
  } | null;
}

/** Any JSON value (RFC 8259), read-only. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A document of the user's that has a part in this fleet. Only the capability gate reads `body`. */
export interface SourceIr {
  /** `fleet`, `listener`, `route`, `cluster`, `healthCheck`, `canary`. */
  readonly kind: string;
  readonly name: string;
  readonly body: JsonValue;
}
