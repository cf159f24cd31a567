/** A cluster's servers, those that receive nothing left out. */
import { defaults } from "../../gen/defaults.ts";
import type { EndpointIr } from "../../ir/index.ts";
import { type Cluster, canonicalAddress } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";

const WEIGHT = defaults["cluster.endpoints[].weight"];

/** In canonical order. */
export function endpointsOf({ endpoints }: Cluster): readonly EndpointIr[] {
  return endpoints
    .map(({ address, port, weight = WEIGHT }) => Object.freeze({ address: canonicalAddress(address), port, weight }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => compareText(a.address, b.address) || a.port - b.port);
}
