/** What Envoy means by refusing a resource: which of its texts say that the same may be accepted later. */

/** Structurally the xDS room's `RefusalKind`. */
type RefusalKind = "final" | "passing" | "occupied";

/** Another process has the port, or the address (a virtual IP) is not on this machine now. */
const PASSING = /cannot bind .*: (?:Address already in use|Cannot assign requested address)/;

/** Another listener of its own has the address: one that the same change takes away. */
const OCCUPIED = /has duplicate address .* as existing listener/;

/** Reads the text of a refusal, for the xDS server. */
export function readRefusal(_typeUrl: string, message: string): RefusalKind {
  if (OCCUPIED.test(message)) return "occupied";
  return PASSING.test(message) ? "passing" : "final";
}
