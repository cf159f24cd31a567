import type { Diagnostic } from "../../errors/diagnostic.ts";
import { defaults } from "../../gen/defaults.ts";
import type { Bodies, Resource } from "../types.ts";
import { isHidden } from "./headers.ts";
import { problem, type Rule, type RuleBody, rulesOf, touchedOf } from "./rule.ts";

const CODE = "MODEL-BALANCE";
const WEIGHT = defaults["cluster.endpoints[].weight"];
/**
 * Of a cluster that hashes. nginx and HAProxy keep 160 points of their ring for each unit of weight, of 16 and 56 bytes: 10 and 37 MB
 * at most, and a new process sorts them in half a second. Of Envoy's table, 65 537 places, each unit has 16.
 */
const MAX_HASH_WEIGHT = 4096;

type Balance = NonNullable<Bodies["cluster"]["balance"]>;
type Hash = NonNullable<Balance["hash"]>;

/** The forms of names, as conditions have them; the others have none. */
const NAMES: Readonly<Record<Hash["by"], { readonly form: RegExp; readonly text: string } | null>> = {
  source: null,
  path: null,
  header: { form: /^[A-Za-z0-9][A-Za-z0-9-]*$/, text: "letters, digits and hyphens" },
  cookie: { form: /^[A-Za-z0-9_.-]+$/, text: "letters, digits, `_`, `.` and `-`" },
  query: { form: /^[A-Za-z0-9_.~-]+$/, text: "letters, digits, `_`, `.`, `~` and `-`" },
};

/** `hash` and its policy belong together, its name fits what is hashed, and the ring has an end. */
export const balance: Rule = function* (_snapshot, touched) {
  for (const cluster of touchedOf(touched, "cluster")) {
    const { balance: own, endpoints } = cluster.body;
    if (own === undefined) continue;
    const at = (pointer: string, message: string) => problem(CODE, cluster, { pointer: `/balance${pointer}`, message });
    if (own.policy === "hash" && own.hash === undefined)
      yield at("", "policy hash needs `hash`: what is hashed, as `hash: {by: source}`");
    if (own.policy !== "hash" && own.hash !== undefined) yield at("/hash", "has a meaning only with policy hash");
    if (own.hash !== undefined) {
      const message = nameProblem(own.hash);
      if (message !== null) yield at(own.hash.name === undefined ? "/hash" : "/hash/name", message);
    }
    const sum = endpoints.reduce((all, { weight = WEIGHT }) => all + weight, 0);
    if (own.policy === "hash" && sum > MAX_HASH_WEIGHT) {
      const message = [
        `with policy hash the weights of the endpoints add up to ${MAX_HASH_WEIGHT} at most, not ${sum}:`,
        "proxies keep a table of that size; use smaller weights",
      ].join(" ");
      yield problem(CODE, cluster, { pointer: "/endpoints", message });
    }
  }
};

function nameProblem({ by, name }: Hash): string | null {
  const known = NAMES[by];
  if (known === null) return name === undefined ? null : `${by} has no name; remove the field`;
  if (name === undefined) return `${by} needs a \`name\``;
  if (!known.form.test(name)) return `the name of a ${by} has ${known.text} only`;
  return by === "header" ? headerProblem(name.toLowerCase()) : null;
}

/** A field must be what the client sent when a proxy comes to choose an endpoint. */
function headerProblem(name: string): string | null {
  if (name === "host") return "the host is not hashed by: it is the same for most requests of a cluster";
  if (name === "x-forwarded-for")
    return `proxies add to ${name} before they choose an endpoint; take another field, or \`by: source\``;
  return isHidden(name) ? `${name} belongs to one connection or to the proxies; it cannot be hashed by` : null;
}

/** TCP and UDP have no requests to look at; and which cluster of a split takes a request is not known before its key is read. */
export const splitHashes: Rule = function* (snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    const protocol = route.body.protocol ?? defaults["route.protocol"];
    for (const { rule, at } of rulesOf(route)) {
      let first: HashedCluster | null = null;
      for (const [index, { cluster }] of (rule.split ?? []).entries()) {
        const hash = hashOf(snapshot.cluster.get(cluster));
        if (hash === undefined) continue;
        const hashed: HashedCluster = { cluster: JSON.stringify(cluster), hash, key: keyText(hash) };
        const message =
          (protocol === "http" || protocol === "grpc" ? null : streamProblem(hashed, protocol)) ??
          (first === null ? null : otherKey(first, hashed));
        if (message !== null) yield problem(CODE, route, { pointer: `${at}/split/${index}/cluster`, message });
        if (first === null) yield* changedKey(route, { rule, at, hashed });
        first ??= hashed;
      }
    }
  }
};

interface HashingRule {
  readonly rule: RuleBody;
  readonly at: string;
  readonly hashed: HashedCluster;
}

/** Envoy reads the key when the rule has changed the request; a new prefix leaves different paths different. */
function* changedKey(
  route: Resource<"route">,
  { rule, at, hashed: { cluster, hash, key } }: HashingRule,
): Iterable<Diagnostic> {
  const message = `cluster ${cluster} hashes by ${key}, which this changes: not every proxy would see what the client sent`;
  if (hash.by === "path" && rule.rewrite?.path?.full !== undefined)
    yield problem(CODE, route, { pointer: `${at}/rewrite/path/full`, message });
  const field = hash.by === "header" ? hash.name?.toLowerCase() : hash.by;
  if (hash.by !== "header" && hash.by !== "cookie") return;
  for (const list of ["set", "add", "remove"] as const) {
    for (const [index, entry] of (rule.requestHeaders?.[list] ?? []).entries()) {
      const [name, end] = typeof entry === "string" ? [entry, ""] : [entry.name, "/name"];
      if (name.toLowerCase() !== field) continue;
      yield problem(CODE, route, { pointer: `${at}/requestHeaders/${list}/${index}${end}`, message });
    }
  }
}

interface HashedCluster {
  readonly cluster: string;
  readonly hash: Hash;
  readonly key: string;
}

const PASSED = {
  tls: "a TLS route has connections only",
  tcp: "a TCP route has connections only",
  udp: "a UDP route has packets only",
} as const;

function streamProblem({ cluster, hash, key }: HashedCluster, protocol: keyof typeof PASSED): string | null {
  const hint = `${PASSED[protocol]}, which are hashed by source, without a bound`;
  if (hash.by !== "source") return `cluster ${cluster} hashes by ${key}: ${hint}`;
  return hash.boundedLoad === undefined ? null : `cluster ${cluster} has a bounded load: ${hint}`;
}

function otherKey(first: HashedCluster, { cluster, key }: HashedCluster): string | null {
  if (first.key === key) return null;
  return `clusters ${first.cluster} and ${cluster} of one split hash by different keys (${first.key}; ${key}): take one for both`;
}

function hashOf(cluster: Resource<"cluster"> | undefined): Hash | undefined {
  return cluster?.body.balance?.policy === "hash" ? cluster.body.balance.hash : undefined;
}

function keyText({ by, name }: Hash): string {
  if (name === undefined) return by;
  return `${by} ${by === "header" ? name.toLowerCase() : name}`;
}
