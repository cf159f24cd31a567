import { problem, type Rule, rulesOf, touchedOf } from "./rule.ts";

const CODE = "MODEL-RESPOND";
/** nginx takes a text behind these as an address. Redirects have their own action. */
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** nginx: 444 closes the connection without an answer, 499 is its log mark for a client that left, 494-497 are internal. */
const NGINX_INTERNAL = new Set([444, 494, 495, 496, 497, 499]);
/** RFC 9110: no content. */
const BODILESS = new Set([204, 205, 304]);

/** Statuses that every proxy can give as they are, and bodies only where HTTP allows one. */
export const respondStatus: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    for (const { rule, at } of rulesOf(route)) {
      if (rule.respond === undefined) continue;
      const { status, body } = rule.respond;
      if (REDIRECTS.has(status))
        yield problem(CODE, route, {
          pointer: `${at}/respond/status`,
          message: `${status} is a redirect; use \`redirect\``,
        });
      if (NGINX_INTERNAL.has(status))
        yield problem(CODE, route, {
          pointer: `${at}/respond/status`,
          message: `nginx gives ${status} a meaning of its own`,
        });
      if (BODILESS.has(status) && body)
        yield problem(CODE, route, {
          pointer: `${at}/respond/body`,
          message: `an answer with status ${status} has no body (RFC 9110)`,
        });
    }
  }
};
