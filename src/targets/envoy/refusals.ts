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

const BIND_ERROR = `cannot bind '([^']*)': (${Object.keys(BIND_ERRORS).join("|")})`;
const PASSING = new RegExp(BIND_ERROR);
/** One listener's error after the other: `a: cannot bind '127.0.0.1:80': Address already in use`. */
const BEHIND_NAME = new RegExp(`: ${BIND_ERROR}`, "g");
/** A port's id, at the end of what stands before. */
const NAME = /[a-z0-9-]*$/;
/** Names of sockets over UDP: of UDP ports, and of HTTP/3 beside a port of TCP. */
const OF_UDP = /^(?:udp|quic)-/;
/** Ids are shorter. What is searched was written by a client, so it is looked at in pieces. */
const MAX_NAME = 64;

/** Another listener of its own has the address: one that the same change takes away. */
const OCCUPIED = /has duplicate address .* as existing listener/;

/** Reads the text of a refusal, for the xDS server. */
export function readRefusal(_typeUrl: string, message: string): RefusalKind {
  if (OCCUPIED.test(message)) return "occupied";
  return PASSING.test(message) ? "passing" : "final";
}

/** Of the listeners whose sockets cannot be opened: name, and one sentence why. */
export function readBindErrors(message: string): readonly (readonly [string, string])[] {
  return Array.from(message.matchAll(BEHIND_NAME), ({ index, 1: socket, 2: error = "" }) => {
    const [name = ""] = NAME.exec(message.slice(Math.max(0, index - MAX_NAME), index)) ?? [];
    const transport = OF_UDP.test(name) ? "UDP " : "";
    return [name, `${transport}${socket} ${BIND_ERRORS[error]}`];
  });
}
