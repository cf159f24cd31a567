/** Whether a listener's clients may speak HTTP/2. */
import type { Listener } from "../gen/model.ts";

/** What it says, or what its protocol means: over TLS nearly all clients ask for it, in cleartext few can. */
export function speaksHttp2({ protocol, http }: Pick<Listener, "protocol" | "http">): boolean | "only" {
  return http?.http2 ?? protocol === "HTTPS";
}
