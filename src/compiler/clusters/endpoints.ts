/** A cluster's servers, also those that get nothing new: proxies change a state without closing what the endpoint has. */
import { defaults } from "../../gen/defaults.ts";
import type { EndpointIr } from "../../ir/index.ts";
import { type Cluster, canonicalAddress, zoneWeights } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";

const DEFAULTS = {
  weight: defaults["cluster.endpoints[].weight"],
  priority: defaults["cluster.endpoints[].priority"],
  state: defaults["cluster.endpoints[].state"],
};

/** In canonical order. */
export function endpointsOf(cluster: Cluster): readonly EndpointIr[] {
  const full = weighted(cluster).map((endpoint) => ({ ...DEFAULTS, ...endpoint }));
  const levels = [...new Set(full.map(({ priority }) => priority))].sort((a, b) => a - b);
  return full
    .map(({ address, port, weight, priority, state }) =>
      Object.freeze({
        address: canonicalAddress(address),
        port,
        // No proxy but HAProxy takes a weight of 0.
        weight: Math.max(weight, 1),
        state: weight === 0 && state === "active" ? "drain" : state,
        // Envoy refuses gaps, and nginx a group of backups only.
        priority: levels.indexOf(priority),
      }),
    )
    .sort((a, b) => compareText(a.address, b.address) || a.port - b.port);
}

/** What the weights of zones make of endpoints' own. One that is out keeps its weight until it is back. */
function weighted(cluster: Cluster): Cluster["endpoints"] {
  if (cluster.locality?.weights === undefined) return cluster.endpoints;
  const weights = zoneWeights(cluster);
  return cluster.endpoints.map((endpoint, index) =>
    (endpoint.state ?? DEFAULTS.state) === "active" ? { ...endpoint, weight: weights[index]?.weight ?? 0 } : endpoint,
  );
}
