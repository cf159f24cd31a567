/** A client is kept on its endpoint by a cookie. */
import type { ClusterIr, EndpointIr } from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import { affinityCookieValue } from "../../affinityCookie.ts";
import type { Support } from "../../target.ts";
import { base64, word } from "../quote.ts";

/** What HAProxy says of the leaves of `affinity`. */
export const affinityCapabilities = {
  "cluster.affinity.cookie.name": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** How `backend.hbs` writes it. */
export interface AffinityView {
  readonly cookie: Quoted<"word">;
  /** Of a Cookie field: what stands before the first cookie of this name, its value where that is in quotes, the rest. */
  readonly quoted: Quoted<"word">;
  /** The same without the quotes. */
  readonly bare: Quoted<"word">;
}

/** Null: clients go anywhere. TCP has no cookies. */
export function affinityView({ affinity }: ClusterIr, isHttp: boolean): AffinityView | null {
  if (affinity === null || !isHttp) return null;
  const { cookie } = affinity;
  return {
    cookie: word(cookie),
    // No repeat has anything to give back: a field of 60 KiB would fill the stack of PCRE2 otherwise.
    quoted: word(`^((?:(?![ \\t]*${cookie}=)[^;]*+;)*+[ \\t]*+)${cookie}="([A-Za-z0-9+/=]*+)"[ \\t]*+((?:;.*+)?)$`),
    bare: word(`\\1${cookie}=\\2\\3`),
  };
}

/** What names the endpoint; null: nothing does. */
export function affinityValue(endpoint: EndpointIr, affinity: AffinityView | null): Quoted<"base64"> | null {
  return affinity === null ? null : base64(affinityCookieValue(endpoint));
}
