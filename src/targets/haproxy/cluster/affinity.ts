/** A client is kept on its endpoint by a cookie. */
import type { EndpointIr } from "../../../ir/index.ts";
import type { Support } from "../../target.ts";

/** What HAProxy says of the leaves of `affinity`. */
export const affinityCapabilities = {
  "cluster.affinity.cookie": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Number and type of the one field of Envoy's message for a cookie: the address, as text. */
const ADDRESS_FIELD = 0x0a;

/** The value that Envoy's stateful session would give: a client keeps its endpoint when it comes to another proxy. */
export function cookieValue({ address, port }: Pick<EndpointIr, "address" | "port">): string {
  const text = Buffer.from(address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`);
  return Buffer.concat([Buffer.from([ADDRESS_FIELD, text.length]), text]).toString("base64");
}
