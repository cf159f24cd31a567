import type { Cluster } from "../types.ts";
import { zoneWeights } from "../zoneWeights.ts";
import { problem, type Rule, touchedOf, warning } from "./rule.ts";

/** Shares that are off by more are told. */
const COARSE = 0.01;

/** With weights of zones every endpoint stands in one of them, and its share can be had with weights up to 256. */
export const locality: Rule = function* (_snapshot, touched) {
  for (const cluster of touchedOf(touched, "cluster")) {
    const { body } = cluster;
    if (body.locality?.weights === undefined) continue;
    const strangers = [...body.endpoints.entries()].filter(([, { zone }]) => !isWeighted(body, zone));
    for (const [index, { zone }] of strangers) {
      yield problem("MODEL-LOCALITY", cluster, {
        pointer: zone === undefined ? `/endpoints/${index}` : `/endpoints/${index}/zone`,
        message:
          zone === undefined
            ? "has no `zone`, and the cluster has weights of zones"
            : `zone ${JSON.stringify(zone)} stands in no weight of \`locality\``,
      });
    }
    const off = strangers.length > 0 ? 0 : largestError(body);
    if (off > COARSE) {
      yield warning("LB-ZONE-WEIGHTS", cluster, {
        pointer: "/locality/weights",
        message: `the share of some endpoint is off by ${Math.round(off * 100)} % of itself: its weight beside the others' would be under 1 of 256`,
      });
    }
  }
};

function isWeighted({ locality }: Cluster, zone: string | undefined): boolean {
  return zone !== undefined && Object.hasOwn(locality?.weights ?? {}, zone);
}

/** Of an endpoint's share in its priority's load, in parts of what was wished. */
function largestError(body: Cluster): number {
  const all = zoneWeights(body);
  const totals = new Map<number, number>();
  for (const [index, { priority = 0 }] of body.endpoints.entries())
    totals.set(priority, (totals.get(priority) ?? 0) + (all[index]?.weight ?? 0));
  return body.endpoints.reduce((largest, { priority = 0 }, index) => {
    const { weight = 0, wished = 0 } = all[index] ?? {};
    if (wished === 0) return largest;
    return Math.max(largest, Math.abs(weight / (totals.get(priority) ?? 1) / wished - 1));
  }, 0);
}
