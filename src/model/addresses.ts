/** IP addresses: which ones the model takes, and the one spelling by which they are compared and rendered. */
import { isIP } from "node:net";

const UNSPECIFIED = new Set(["0.0.0.0", "::"]);
/** `::ffff:0:0/96` in canonical spelling (RFC 4291, 2.5.5.2). */
const IPV4_MAPPED = /^::ffff:[0-9a-f]+:[0-9a-f]+$/;

/**
 * Whether it is an address that means the same to every proxy: nginx and HAProxy know no zones, no proxy listens on an
 * IPv4-mapped address, and Envoy does not connect to one.
 */
export function isAddress(text: string): boolean {
  if (isIP(text) === 0 || text.includes("%")) return false;
  return !IPV4_MAPPED.test(canonicalAddress(text));
}

/** The spelling of RFC 5952, without its dotted quads. Takes what `isIP` takes and has no zone; IPv4 has one spelling only. */
export function canonicalAddress(text: string): string {
  // The URL standard's serialisation of a host is that of RFC 5952.
  return text.includes(":") ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;
}

/** Whether a canonical address is the one that stands for all addresses of a machine. */
export function isUnspecified(address: string): boolean {
  return UNSPECIFIED.has(address);
}
