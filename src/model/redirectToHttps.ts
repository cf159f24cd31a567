/** What a listener that redirects to HTTPS still serves of its routes. */

/** Below it a host's owner shows that a certificate is asked for by them: in the clear, for there is none yet (RFC 8555, 8.3). */
const CHALLENGES = "/.well-known/acme-challenge";

/** Whether a path match lies there; an expression never does, since nobody could see at once what else it takes. */
export function isChallengePath(kind: "exact" | "prefix" | "regex", value: string): boolean {
  if (kind === "prefix" && value === CHALLENGES) return true;
  return kind !== "regex" && value.startsWith(`${CHALLENGES}/`);
}
