/** Whether clients speak HTTP/2 with a port. */
import type { Http2Use } from "../../ir/index.ts";
import { type Listener, speaksHttp2 } from "../../model/index.ts";

/** What a listener says, or what its protocol means. */
export function http2Of(listener: Listener): Http2Use {
  const own = speaksHttp2(listener);
  if (own === "only") return own;
  return own ? "on" : "off";
}
