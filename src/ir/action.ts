/** What happens to a request that a rule takes. */

export type ActionIr = ForwardIr | RedirectIr | RespondIr;

export interface ForwardIr {
  readonly kind: "forward";
  /** Empty: 503. */
  readonly split: SplitIr;
}

export interface RedirectIr {
  readonly kind: "redirect";
  /** Null: the request's. */
  readonly scheme: "http" | "https" | null;
  /** Null: the request's host, lower case, without port and trailing dot. */
  readonly hostname: string | null;
  /** A number is written unless it is the scheme's default. Null: no port. `listener`: the listener's, unless the scheme's default. */
  readonly port: number | "listener" | null;
  /** Null: the request's raw path. Prefix replaces the matched prefix as in RewriteIr. The query is always kept. */
  readonly path: { readonly kind: "full" | "prefix"; readonly value: string } | null;
  readonly status: 301 | 302 | 303 | 307 | 308;
}

/** The proxy answers by itself. `status` is 200 to 599 and no redirect; `body` is sent as UTF-8 and may be empty. */
export interface RespondIr {
  readonly kind: "respond";
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

/** Relative shares. Weights are at least 1, clusters distinct, ascending by cluster. */
export type SplitIr = readonly { readonly cluster: string; readonly weight: number }[];
