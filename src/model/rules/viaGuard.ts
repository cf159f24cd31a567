import { problem, type Rule, rulesOf, touchedOf } from "./rule.ts";

/** Where listeners know requests again by Via, no rule writes that field. */
export const viaGuard: Rule = function* (snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    const guarding = route.body.listeners.find((name) => snapshot.listener.get(name)?.body.http?.viaGuard === true);
    if (guarding === undefined) continue;
    const message = `listener ${JSON.stringify(guarding)} knows requests that come back by via (\`viaGuard\`); it cannot be changed here`;
    for (const { rule, at } of rulesOf(route)) {
      for (const list of ["set", "add", "remove"] as const) {
        for (const [index, entry] of (rule.requestHeaders?.[list] ?? []).entries()) {
          const [name, end] = typeof entry === "string" ? [entry, ""] : [entry.name, "/name"];
          if (name.toLowerCase() !== "via") continue;
          yield problem("MODEL-HEADER", route, { pointer: `${at}/requestHeaders/${list}/${index}${end}`, message });
        }
      }
    }
  }
};
