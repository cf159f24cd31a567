import { defaults } from "../../gen/defaults.ts";
import { problem, type Rule, type RuleBody, touchedOf } from "./rule.ts";

const TCP_ROUTE_CODE = "MODEL-TCP-ROUTE";
/** What a rule of a TCP or UDP route may have; the rest looks at requests. */
const TCP_FIELDS: ReadonlySet<string> = new Set<keyof RuleBody>(["name", "split"]);

/** The protocol of the routes that serve a listener. */
const ROUTES_OF = { HTTP: "http", HTTPS: "http", TLS: "tls", TCP: "tcp", UDP: "udp" } as const;

/** Fields of listeners that belong to some protocols, and what the others say of them. */
const OF_PROTOCOL = {
  hostname: { protocols: ["HTTP", "HTTPS", "TLS"], why: "sees no hostname" },
  http: { protocols: ["HTTP", "HTTPS"], why: "sees no requests" },
  idleTimeout: { protocols: ["TLS", "TCP", "UDP"], why: "has `http.keepAliveTimeout`, and its rules `timeouts.idle`" },
  connectionLimit: { protocols: ["HTTP", "HTTPS", "TLS", "TCP"], why: "has no connections" },
  proxyProtocol: { protocols: ["HTTP", "HTTPS", "TLS", "TCP"], why: "has no connections" },
  udp: { protocols: ["UDP"], why: "passes no packets" },
  tls: { protocols: ["HTTPS", "TLS"], why: "is in the clear" },
} as const;

/** A route's protocol is its listeners'; a TCP or UDP route is one rule with a split; a listener has nothing of other protocols. */
export const protocols: Rule = function* (snapshot, touched) {
  for (const listener of touchedOf(touched, "listener")) {
    const { protocol } = listener.body;
    for (const [field, { protocols: fitting, why }] of Object.entries(OF_PROTOCOL)) {
      if (listener.body[field as keyof typeof OF_PROTOCOL] === undefined) continue;
      if ((fitting as readonly string[]).includes(protocol)) continue;
      const message = `${protocol.startsWith("HTTP") ? "an" : "a"} ${protocol} listener ${why}; remove the field`;
      yield problem("MODEL-PROTOCOL", listener, { pointer: `/${field}`, message });
    }
    if (protocol === "HTTPS" && listener.body.http?.redirectToHttps !== undefined) {
      const message = "an HTTPS listener has nowhere to redirect to; remove the field";
      yield problem("MODEL-PROTOCOL", listener, { pointer: "/http/redirectToHttps", message });
    }
  }
  for (const route of touchedOf(touched, "route")) {
    const protocol = route.body.protocol ?? defaults["route.protocol"];
    for (const [index, name] of route.body.listeners.entries()) {
      const listener = snapshot.listener.get(name);
      const spoken = protocol === "grpc" ? "http" : protocol;
      if (listener === undefined || ROUTES_OF[listener.body.protocol] === spoken) continue;
      const message = `listener ${JSON.stringify(name)} speaks ${listener.body.protocol}, the route ${protocol}`;
      yield problem("MODEL-PROTOCOL", route, { pointer: `/listeners/${index}`, message });
    }
    if (protocol === "http" || protocol === "grpc") continue;
    const kind = `a ${protocol.toUpperCase()} route`;
    if (route.body.hostnames !== undefined && protocol !== "tls") {
      yield problem(TCP_ROUTE_CODE, route, {
        pointer: "/hostnames",
        message: `${kind} sees no hostname; remove the field`,
      });
    }
    if (route.body.rules.length > 1) {
      yield problem(TCP_ROUTE_CODE, route, { pointer: "/rules/1", message: `${kind} has exactly one rule` });
    }
    for (const [index, rule] of route.body.rules.entries()) {
      for (const field of Object.keys(rule)) {
        if (TCP_FIELDS.has(field)) continue;
        yield problem(TCP_ROUTE_CODE, route, {
          pointer: `/rules/${index}/${field}`,
          message: `${kind} has a split only, no ${field}`,
        });
      }
    }
  }
};
