/** A listener's own redirect to HTTPS: a rule that no route has. */
import { nearName, plainName } from "./preferLocal.ts";

/** Where it stands in its listener. */
export const REDIRECT_TO_HTTPS = "/http/redirectToHttps";

/** Stands for a route's name in that rule. No route of the model has such a name. */
export function redirectRoute(listener: string): string {
  return nearName(listener, "https");
}

/** The listener whose own rule is of this "route"; null: it is a route of the model. */
export function redirectingListener(route: string): string | null {
  const listener = plainName(route);
  return listener === route ? null : listener;
}
