/** The value of an affinity cookie, the same on every proxy: a client keeps its endpoint when it comes to another one. */
import type { EndpointIr } from "../ir/index.ts";

/** Number and type of the one field of the message that Envoy's stateful session writes: the address, as text. */
const ADDRESS_FIELD = 0x0a;

/** Base64 of that message. Texts of addresses are shorter than 128 bytes, so their length is one byte. */
export function affinityCookieValue({ address, port }: Pick<EndpointIr, "address" | "port">): string {
  const text = Buffer.from(address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`);
  return Buffer.concat([Buffer.from([ADDRESS_FIELD, text.length]), text]).toString("base64");
}
