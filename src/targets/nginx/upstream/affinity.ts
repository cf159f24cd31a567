/** A client is not kept on its endpoint. */
import type { Support } from "../../target.ts";

/** What nginx says of the leaves of `affinity`. */
export const affinityCapabilities = {
  "cluster.affinity.cookie": { refused: "is not rendered for nginx", code: "STICKY-COOKIE-NGINX" },
} as const satisfies Readonly<Record<string, Support>>;
