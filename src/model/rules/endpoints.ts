import { problem, type Rule, touchedOf } from "./rule.ts";

/** An endpoint stands in its cluster once. */
export const endpoints: Rule = function* (_snapshot, touched) {
  for (const cluster of touchedOf(touched, "cluster")) {
    const seen = new Set<string>();
    for (const [index, { address, port }] of cluster.body.endpoints.entries()) {
      const key = `${address} ${port}`;
      if (seen.has(key)) {
        yield problem("MODEL-ENDPOINT", cluster, {
          pointer: `/endpoints/${index}`,
          message: `${address} port ${port} stands in this cluster already; use \`weight\``,
        });
      }
      seen.add(key);
    }
  }
};
