/**
 * Sockets of a proxy's own, where it hands connections to itself: between what reads the server name and what ends TLS. They are made in
 * the folder in which the proxy was started.
 */
import { contentHash } from "../util/hash.ts";

/** Which files of that folder are such sockets. */
export const INNER_SOCKET = /^trimtab-[0-9a-f]{16}\.sock$/;

/**
 * Named by what stands behind it: workers of before a reload never hand a connection to something else. A path of a Unix socket has 107
 * bytes, less than two names of the model.
 */
export function innerSocket(...behind: readonly string[]): string {
  return `trimtab-${contentHash(...behind)}.sock`;
}
