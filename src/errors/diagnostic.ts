/** A finding about the user's model: the one shape in which every room reports user errors and warnings. */

/** Names a resource: kind and name, as `route` and `api`. */
export interface ResourceKey {
  readonly kind: string;
  readonly name: string;
}

export interface Diagnostic {
  /** Stable, from `errors/codes.ts`. */
  readonly code: string;
  /** An error refuses the write; a warning comes back with it. */
  readonly severity: "error" | "warning";
  /** One sentence for a person; names what is wrong and what would be right. */
  readonly message: string;
  /** The resource at fault; absent when the document as a whole is. */
  readonly resource?: ResourceKey;
  /** RFC 6901 pointer into that resource (into the document when `resource` is absent). `""` is the whole. */
  readonly pointer: string;
  /** Of two that do not go together the other one: its resource (the same document when absent) and the place in it. */
  readonly related?: { readonly resource?: ResourceKey; readonly pointer: string };
  /** Set when one fleet's proxy is the reason. */
  readonly fleet?: string;
  readonly proxy?: string;
}

/** Gives a stable order (by code unit), so that the same model gives the same list. */
export function diagnosticKey(entry: Diagnostic): string {
  const { severity, resource, pointer, code, fleet, message } = entry;
  return [severity, resource?.kind ?? "", resource?.name ?? "", pointer, code, fleet ?? "", message].join("\u0000");
}
