import { sortedSteps } from "../../util/sorted.ts";
import type { Resource } from "../types.ts";
import { problem, type WholeRule } from "./rule.ts";

/** Several routes on one TCP or UDP listener are refused: which one wins would be a guess (l7.md 4.27). */
export const singleTcpRoute: WholeRule = function* (snapshot, touched) {
  const touchedRoutes = new Set(touched.filter(({ kind }) => kind === "route").map(({ name }) => name));
  if (![...touchedRoutes].some((name) => takesAll(snapshot.route.get(name)))) return;
  const first = new Map<string, string>();
  const routes = [...snapshot.route.values()].filter(takesAll);
  for (const route of yield* sortedSteps(routes, untouchedFirst(touchedRoutes))) {
    for (const [index, listener] of route.body.listeners.entries()) {
      const other = first.get(listener);
      if (other === undefined) first.set(listener, route.name);
      else if (touchedRoutes.has(route.name)) {
        const kind = route.body.protocol?.toUpperCase();
        const message = `listener ${JSON.stringify(listener)} has a ${kind} route already: ${JSON.stringify(other)}`;
        yield problem("MODEL-TCP-ROUTE", route, { pointer: `/listeners/${index}`, message });
      }
    }
  }
};

function takesAll(route: Resource<"route"> | undefined): boolean {
  return route?.body.protocol === "tcp" || route?.body.protocol === "udp";
}

function untouchedFirst(touched: ReadonlySet<string>): (a: Resource, b: Resource) => number {
  return (a, b) => Number(touched.has(a.name)) - Number(touched.has(b.name)) || (a.name < b.name ? -1 : 1);
}
