/** Whether clients speak HTTP/3 with a port, and where they are told that they may. */
import type { Http3Ir } from "../../ir/index.ts";
import type { Listener } from "../../model/index.ts";
import { reuse } from "../reuse.ts";

/** Null: they do not. `id`: of the port, which is inside TLS. */
export function http3Of(
  { http, port }: Listener,
  { id, before }: { readonly id: string; readonly before: Http3Ir | null | undefined },
): Http3Ir | null {
  if (http?.http3 !== true) return null;
  return reuse<Http3Ir>(before, { id: id.replace(/^https/, "quic"), toldPort: http.http3Port ?? port });
}
