/** What is said of clients' certificates; `clientAuthentication.ts` writes them. */
import type { Support } from "../target.ts";

/** What nginx says of it. */
export const clientAuthenticationCapabilities = {
  "listener.tls.clientAuthentication.mode": {
    refused:
      "is `report`, and nginx serves no client whose certificate has expired or is revoked, whatever it is told; use optional, or serve the listener with Envoy or HAProxy",
    code: "TLS-REPORT-NGINX",
    when: (value) => value === "report",
  },
} as const satisfies Readonly<Record<string, Support>>;
