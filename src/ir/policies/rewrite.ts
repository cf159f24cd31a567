/** What the endpoint sees in place of what the client sent; the query stays. */
export interface RewriteIr {
  /**
   * Null: the request's. prefix: replaces the matched prefix, without a slash at the end (`/` alone means "strip"; only on prefix
   * matches).
   */
  readonly path: { readonly kind: "prefix"; readonly value: string } | null;
}
