import { problem, type Rule, rulesOf, touchedOf } from "./rule.ts";

/** A packet is no connection that a PROXY header could begin: nginx would write it before the data of the first one. */
export const proxyProtocol: Rule = function* (snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    if (route.body.protocol !== "udp") continue;
    for (const { rule, at } of rulesOf(route)) {
      for (const [index, { cluster }] of (rule.split ?? []).entries()) {
        if (snapshot.cluster.get(cluster)?.body.proxyProtocol === undefined) continue;
        const message = `cluster ${JSON.stringify(cluster)} begins connections with a PROXY header, and UDP has none`;
        const related = { resource: { kind: "cluster", name: cluster }, pointer: "/proxyProtocol" };
        yield problem("MODEL-PROXY-PROTOCOL", route, { pointer: `${at}/split/${index}/cluster`, message, related });
      }
    }
  }
};
