import { canonicalAddress, isUnspecified } from "../addresses.ts";
import { problem, type Rule, touchedOf } from "./rule.ts";

/** An endpoint stands in its cluster once, and is one machine: of "all addresses" each proxy would think something else. */
export const endpoints: Rule = function* (_snapshot, touched) {
  for (const cluster of touchedOf(touched, "cluster")) {
    const seen = new Set<string>();
    for (const [index, { address, port }] of cluster.body.endpoints.entries()) {
      const canonical = canonicalAddress(address);
      if (isUnspecified(canonical)) {
        yield problem("MODEL-ENDPOINT", cluster, {
          pointer: `/endpoints/${index}/address`,
          message: `${address} is an address to listen on, none to connect to; for this machine write 127.0.0.1 or ::1`,
        });
      }
      const key = `${canonical} ${port}`;
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
