/** How a path changes, for rewrites and redirects: literally, or by a regular expression where no literal form does it. */
import { regexLiteral, substitutionLiteral } from "./quote.ts";

/** Fields of RouteAction and RedirectAction by these names. */
export type PathRewrite =
  | { readonly case: "prefixRewrite"; readonly value: string }
  | {
      readonly case: "regexRewrite";
      readonly value: { readonly pattern: { readonly regex: string }; readonly substitution: string };
    };

/**
 * Replaces the prefix `from` of whole elements; null: nothing changes. Envoy's `prefix_rewrite` replaces characters, so the bare
 * slash on either side needs its own form: Gateway API's rows for `/foo`, `/foo/` and `/foo/bar`.
 */
export function prefixRewrite(from: string, to: string): PathRewrite | null {
  if (from === "/") return to === "/" ? null : { case: "prefixRewrite", value: `${to}/` };
  if (to !== "/") return { case: "prefixRewrite", value: to };
  const value = { pattern: { regex: `^${regexLiteral(from)}/?` }, substitution: substitutionLiteral("/") };
  return { case: "regexRewrite", value };
}
