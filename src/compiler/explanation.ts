/** What is said of a request or a connection. */

/** One rule of those that were looked at. */
export interface ExplainedRule {
  readonly route: string;
  /** The rule's name, or its place: as in `RuleIr.name`. */
  readonly rule: string;
  /** Its match in words. */
  readonly match: string;
  readonly verdict: "wins" | "loses" | "doesNotMatch";
  /** One sentence: why. */
  readonly reason: string;
}

/**
 * What the client gets. forward: shares of the split in per cent, `path` as the backend sees it, query included.
 * respond: the rule's own answer. error: the proxy's answer when no rule or no endpoint takes the request, or it is refused.
 * pass: the connection's bytes go on, with TLS that ends at the proxy or as they are. close: it is closed.
 */
export type Outcome =
  | {
      readonly kind: "forward";
      readonly split: readonly { readonly cluster: string; readonly sharePercent: number }[];
      readonly path: string;
    }
  | { readonly kind: "redirect"; readonly status: number; readonly location: string }
  | { readonly kind: "respond"; readonly status: number }
  | {
      readonly kind: "pass";
      readonly split: readonly { readonly cluster: string; readonly sharePercent: number }[];
      readonly tlsEnds: boolean;
    }
  | { readonly kind: "close"; readonly reason: string }
  | { readonly kind: "error"; readonly status: number; readonly reason: string };

/** What every proxy of the fleet does with the request, and why. */
export interface Explanation {
  /** Lower case, without port and trailing dot. */
  readonly host: string;
  /** The virtual host that takes the request; null: none. */
  readonly virtualHost: string | null;
  readonly outcome: Outcome;
  /** The rules of that virtual host in precedence order, up to MAX_EXPLAINED_RULES. */
  readonly rules: readonly ExplainedRule[];
}
