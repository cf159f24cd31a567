/** A client is not kept on its endpoint. */
import type { Support } from "../../target.ts";

/** What Envoy says of the leaves of `affinity`. */
export const affinityCapabilities = {
  "cluster.affinity.cookie": { refused: "is not rendered for Envoy", code: "STICKY-COOKIE-ENVOY" },
} as const satisfies Readonly<Record<string, Support>>;
