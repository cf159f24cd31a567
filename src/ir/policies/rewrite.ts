/** What the endpoint sees in place of what the client sent; the query stays. */
export interface RewriteIr {
  /**
   * Null: the request's. prefix: replaces the matched prefix, without a slash at the end (`/` alone means "strip"; only on prefix
   * matches). full: replaces the whole path, and is written as it stands here.
   */
  readonly path: { readonly kind: "prefix" | "full"; readonly value: string } | null;
  /** Lower case, no port. Null: the request's Host as it came. */
  readonly hostname: string | null;
}
