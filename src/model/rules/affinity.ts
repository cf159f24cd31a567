import type { Diagnostic } from "../../errors/diagnostic.ts";
import { defaults } from "../../gen/defaults.ts";
import type { Resource } from "../types.ts";
import { problem, type Rule, type RuleBody, rulesOf, touchedOf } from "./rule.ts";

const CODE = "MODEL-AFFINITY";

/** Browsers take such a cookie with `Secure` only, which this one does not have. */
const SECURE_ONLY = /^__(?:secure|host)-/i;

/** Browsers must take the cookie. */
export const affinityName: Rule = function* (_snapshot, touched) {
  for (const cluster of touchedOf(touched, "cluster")) {
    const { name = "" } = cluster.body.affinity?.cookie ?? {};
    if (!SECURE_ONLY.test(name)) continue;
    const message = "browsers drop a cookie of this name unless it is `Secure`, which an affinity cookie is not";
    yield problem(CODE, cluster, { pointer: "/affinity/cookie/name", message });
  }
};

/** TCP has no cookies; and a rule may not change the fields in which the cookie travels. */
export const affinity: Rule = function* (snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    const protocol = route.body.protocol ?? defaults["route.protocol"];
    const isTcp = protocol === "tcp" || protocol === "tls";
    for (const { rule, at } of rulesOf(route)) {
      const names = (rule.split ?? []).map(({ cluster }) => cluster);
      const index = names.findIndex((name) => snapshot.cluster.get(name)?.body.affinity !== undefined);
      const cluster = names[index];
      if (cluster === undefined) continue;
      if (!isTcp) {
        yield* changedFields(route, { rule, at, cluster });
        continue;
      }
      const message = `cluster "${cluster}" has affinity by cookie, and a TCP route has none; take a cluster that hashes by source`;
      yield problem(CODE, route, { pointer: `${at}/split/${index}/cluster`, message });
    }
  }
};

interface AffineRule {
  readonly rule: RuleBody;
  readonly at: string;
  readonly cluster: string;
}

/**
 * HAProxy reads and writes the cookie after the rule's changes, Envoy and nginx before. More of `set-cookie` does no harm, and nobody may
 * add to `cookie` (MODEL-HEADER).
 */
const CHANGES = [
  { field: "requestHeaders", header: "cookie", lists: ["set", "remove"] },
  { field: "responseHeaders", header: "set-cookie", lists: ["set", "remove"] },
] as const;

function* changedFields(route: Resource<"route">, { rule, at, cluster }: AffineRule): Iterable<Diagnostic> {
  for (const { field, header, lists } of CHANGES) {
    for (const list of lists) {
      for (const [index, entry] of (rule[field]?.[list] ?? []).entries()) {
        const [name, end] = typeof entry === "string" ? [entry, ""] : [entry.name, "/name"];
        if (name.toLowerCase() !== header) continue;
        const message = `the affinity cookie of cluster "${cluster}" is in this field: not every proxy would keep it`;
        yield problem(CODE, route, { pointer: `${at}/${field}/${list}/${index}${end}`, message });
      }
    }
  }
}
