/** Whether a port's clients may speak HTTP/2. */
import { defaults } from "../../gen/defaults.ts";
import type { ClientHttp2 } from "../../ir/index.ts";
import type { Listener } from "../../model/index.ts";

/** Of listeners in the clear. */
export function clientHttp2({ http }: Listener): ClientHttp2 {
  const value = http?.http2 ?? defaults["listener.http.http2"];
  if (value === "only") return "only";
  return value ? "on" : "off";
}
