import { sortedSteps } from "../../util/sorted.ts";
import { effectiveHostnames } from "../hostnames.ts";
import type { Resource, Snapshot } from "../types.ts";
import { ANY_HOST } from "../values.ts";
import { problem, type WholeRule } from "./rule.ts";

/** Several routes on one TCP or UDP listener, or for one name of a TLS listener, are refused: either could win (l7.md 4.27). */
export const singleTcpRoute: WholeRule = function* (snapshot, touched) {
  const touchedRoutes = new Set(touched.filter(({ kind }) => kind === "route").map(({ name }) => name));
  if (![...touchedRoutes].some((name) => passesBytes(snapshot.route.get(name)))) return;
  const first = new Map<string, string>();
  const routes = [...snapshot.route.values()].filter(passesBytes);
  for (const route of yield* sortedSteps(routes, untouchedFirst(touchedRoutes))) {
    yield;
    for (const [index, listener] of route.body.listeners.entries()) {
      for (const host of namesOf(route, listener, snapshot)) {
        const key = `${listener} ${host}`;
        const other = first.get(key);
        if (other === undefined) first.set(key, route.name);
        else if (touchedRoutes.has(route.name)) {
          const kind = route.body.protocol?.toUpperCase();
          const name = host === ANY_HOST ? "" : ` for ${host}`;
          const message = `listener ${JSON.stringify(listener)} has a ${kind} route${name} already: ${JSON.stringify(other)}`;
          yield problem("MODEL-TCP-ROUTE", route, { pointer: `/listeners/${index}`, message });
        }
      }
    }
  }
};

/** The names whose connections it takes there. */
function namesOf(route: Resource<"route">, listener: string, snapshot: Snapshot): readonly string[] {
  if (route.body.protocol !== "tls") return [ANY_HOST];
  return effectiveHostnames(route.body, snapshot.listener.get(listener)?.body);
}

function passesBytes(route: Resource<"route"> | undefined): route is Resource<"route"> {
  return route !== undefined && ["tls", "tcp", "udp"].includes(route.body.protocol ?? "http");
}

function untouchedFirst(touched: ReadonlySet<string>): (a: Resource, b: Resource) => number {
  return (a, b) => Number(touched.has(a.name)) - Number(touched.has(b.name)) || (a.name < b.name ? -1 : 1);
}
