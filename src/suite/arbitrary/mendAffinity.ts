/** Takes affinity off clusters that cannot have it: of TCP routes, and of rules that change the fields in which the cookie travels. */
import type { Document } from "./names.ts";

interface Changes {
  readonly set?: readonly { readonly name: string }[];
  readonly add?: readonly { readonly name: string }[];
  readonly remove?: readonly string[];
}

interface RuleOfRoute {
  readonly split?: readonly { readonly cluster: string }[];
  readonly requestHeaders?: Changes;
  readonly responseHeaders?: Changes;
}

const COOKIE = /^(?:set-)?cookie$/i;

/** Changes the document. */
export function mendAffinity({ clusters = [], routes = [] }: Document): void {
  const without = new Set<string>();
  for (const { protocol, rules } of routes) {
    for (const { split = [], requestHeaders, responseHeaders } of rules as RuleOfRoute[]) {
      if (
        protocol !== "tcp" &&
        protocol !== "tls" &&
        !changesCookies(requestHeaders) &&
        !changesCookies(responseHeaders)
      )
        continue;
      for (const { cluster } of split) without.add(cluster);
    }
  }
  for (const cluster of clusters) if (without.has(cluster.name)) delete cluster.affinity;
}

function changesCookies({ set = [], add = [], remove = [] }: Changes = {}): boolean {
  return [...[...set, ...add].map(({ name }) => name), ...remove].some((name) => COOKIE.test(name));
}
