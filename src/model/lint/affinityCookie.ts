import type { Diagnostic } from "../../errors/diagnostic.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { warning } from "../rules/rule.ts";
import type { Resource, Snapshot } from "../types.ts";

type Cluster = Resource<"cluster">;

/** Two clusters that a client meets under one hostname, whose cookies have one name: each would overwrite the other's. */
export function* affinityCookie(snapshot: Snapshot): Steps<Diagnostic[]> {
  const first = new Map<string, Cluster>();
  const told = new Set<Cluster>();
  const found: Diagnostic[] = [];
  let index = 0;
  for (const { body } of snapshot.route.values()) {
    if (shouldYield(index++)) yield;
    for (const cluster of affineClusters(snapshot, body.rules)) {
      const { name } = cluster.body.affinity.cookie;
      for (const hostname of body.hostnames ?? [ANY_HOST]) {
        const key = `${name} ${hostname.toLowerCase()}`;
        const other = first.get(key) ?? cluster;
        first.set(key, other);
        if (other === cluster || told.has(cluster) || endpointsOf(other) === endpointsOf(cluster)) continue;
        told.add(cluster);
        found.push(
          warning("LINT-AFFINITY-COOKIE", cluster, { pointer: "/affinity/cookie/name", message: takenBy(other) }),
        );
      }
    }
  }
  return found;
}

function takenBy({ name }: Cluster): string {
  return [
    `cluster ${JSON.stringify(name)} has a cookie of this name under the same hostname:`,
    "a client that goes to both loses its endpoint each time",
  ].join(" ");
}

/** A route without hostnames. */
const ANY_HOST = "*";

interface AffineCluster extends Cluster {
  readonly body: Cluster["body"] & { readonly affinity: NonNullable<Cluster["body"]["affinity"]> };
}

function affineClusters(snapshot: Snapshot, rules: Resource<"route">["body"]["rules"]): readonly AffineCluster[] {
  return rules
    .flatMap(({ split = [] }) => split.map(({ cluster }) => snapshot.cluster.get(cluster)))
    .filter((cluster): cluster is AffineCluster => cluster?.body.affinity !== undefined);
}

function endpointsOf({ body }: Cluster): string {
  return body.endpoints
    .map(({ address, port }) => `${address} ${port}`)
    .sort()
    .join();
}
