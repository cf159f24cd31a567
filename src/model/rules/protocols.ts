import { defaults } from "../../gen/defaults.ts";
import { problem, type Rule, type RuleBody, touchedOf } from "./rule.ts";

const TCP_ROUTE_CODE = "MODEL-TCP-ROUTE";
/** What a rule of a TCP route may have; the rest looks at requests. */
const TCP_FIELDS: ReadonlySet<string> = new Set<keyof RuleBody>(["name", "split"]);

/** What a TCP listener cannot have, and why. */
const HTTP_ONLY = {
  hostname: "a TCP listener sees no hostname; remove the field",
  http: "a TCP listener sees no requests; remove the field",
} as const;

/** A route's protocol is its listeners'; a TCP route is one rule with a split; a TCP listener has nothing of HTTP. */
export const protocols: Rule = function* (snapshot, touched) {
  for (const listener of touchedOf(touched, "listener")) {
    if (listener.body.protocol === "HTTP") {
      if (listener.body.idleTimeout === undefined) continue;
      const message = "an HTTP listener has `http.keepAliveTimeout`, and its rules `timeouts.idle`; remove the field";
      yield problem("MODEL-PROTOCOL", listener, { pointer: "/idleTimeout", message });
      continue;
    }
    for (const [field, message] of Object.entries(HTTP_ONLY)) {
      if (listener.body[field as keyof typeof HTTP_ONLY] === undefined) continue;
      yield problem("MODEL-PROTOCOL", listener, { pointer: `/${field}`, message });
    }
  }
  for (const route of touchedOf(touched, "route")) {
    const protocol = route.body.protocol ?? defaults["route.protocol"];
    for (const [index, name] of route.body.listeners.entries()) {
      const listener = snapshot.listener.get(name);
      if (listener === undefined || listener.body.protocol.toLowerCase() === protocol) continue;
      const message = `listener ${JSON.stringify(name)} speaks ${listener.body.protocol}, the route ${protocol}`;
      yield problem("MODEL-PROTOCOL", route, { pointer: `/listeners/${index}`, message });
    }
    if (protocol !== "tcp") continue;
    if (route.body.hostnames !== undefined) {
      yield problem(TCP_ROUTE_CODE, route, {
        pointer: "/hostnames",
        message: "a TCP route sees no hostname; remove the field",
      });
    }
    if (route.body.rules.length > 1) {
      yield problem(TCP_ROUTE_CODE, route, { pointer: "/rules/1", message: "a TCP route has exactly one rule" });
    }
    for (const [index, rule] of route.body.rules.entries()) {
      for (const field of Object.keys(rule)) {
        if (TCP_FIELDS.has(field)) continue;
        yield problem(TCP_ROUTE_CODE, route, {
          pointer: `/rules/${index}/${field}`,
          message: `a TCP route has a split only, no ${field}`,
        });
      }
    }
  }
};
