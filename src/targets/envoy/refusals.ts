/** What Envoy means by refusing a resource: which of its texts say that the same may be accepted later. */

/** Structurally the xDS room's `RefusalKind`. */
type RefusalKind = "final" | "passing" | "occupied";

/** Why a socket cannot be opened now, as Envoy puts it and in our words: those of the agent for other proxies. */
const BIND_ERRORS: Readonly<Record<string, string>> = {
  "Address already in use": "is in use",
  // A virtual IP that is on another machine.
  "Cannot assign requested address": "is not an address of this machine",
  // Below 1024; it may be allowed while Envoy runs (`net.ipv4.ip_unprivileged_port_start`).
  "Permission denied": "needs more rights than this user has",
};

const PASSING = new RegExp(`cannot bind .*: (?:${Object.keys(BIND_ERRORS).join("|")})`);

/** Another listener of its own has the address: one that the same change takes away. */
const OCCUPIED = /has duplicate address .* as existing listener/;

/** Reads the text of a refusal, for the xDS server. */
export function readRefusal(_typeUrl: string, message: string): RefusalKind {
  if (OCCUPIED.test(message)) return "occupied";
  return PASSING.test(message) ? "passing" : "final";
}

/** A refusal's text about one listener: one sentence. */
export function readListenerRefusal(listener: string, message: string): string {
  // One error after the other: `a: cannot bind '127.0.0.1:80': Address already in use, b: …`.
  const begin = message.indexOf(`${listener}: `);
  const own = begin < 0 ? message : message.slice(begin + listener.length + 2);
  const [, socket, error = ""] = /^cannot bind '([^']*)': ([A-Za-z ]+)/.exec(own) ?? [];
  const meaning = BIND_ERRORS[error];
  return socket === undefined || meaning === undefined ? `Envoy refuses it: ${message}` : `${socket} ${meaning}`;
}
