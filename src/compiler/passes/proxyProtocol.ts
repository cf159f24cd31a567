/** Whether a listener's clients come through a load balancer that says who they are. */
import type { ProxyProtocolIr } from "../../ir/index.ts";
import { canonicalCidr, type Listener } from "../../model/index.ts";
import { reuse } from "../reuse.ts";

/** Null: nobody does. Gives `before` itself when it says the same. */
export function proxyProtocol(
  { proxyProtocol: own }: Listener,
  before: ProxyProtocolIr | null | undefined,
): ProxyProtocolIr | null {
  if (own === undefined) return null;
  const from = [...new Set((own.from ?? []).map(canonicalCidr))].sort().join(" ");
  return reuse<ProxyProtocolIr>(before ?? undefined, { mode: own.mode, from });
}
