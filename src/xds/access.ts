/** Which clients may pull a group: the rules of its owner against what a certificate says. */
import type { Refusal } from "./refusals.ts";

/** Characters of identities in a message: it travels as a header, and many clients take 8 KiB of those. */
const MAX_SHOWN = 1_024;

/** One group's rules, ready to be asked. */
export interface Access {
  /** As they were given. */
  readonly rules: readonly string[];
  readonly allows: (identities: readonly string[]) => boolean;
}

/**
 * Rules as the model has them: an identity, or one with `*`. In a URI `*` stands for one whole segment of the path and a last `**` for
 * one or more; in a DNS name `*` stands for the first label. The scheme, the authority and parts of a word are never left open.
 */
export function accessOf(rules: readonly string[]): Access {
  const exact = new Set(rules.filter((rule) => !rule.includes("*")).map(spelled));
  const open = rules.filter((rule) => rule.includes("*"));
  const uris = open.filter(isUri).map(uriPattern);
  const suffixes = new Set(open.filter((rule) => !isUri(rule)).map((rule) => spelled(rule).slice(1)));
  const allows = (identity: string): boolean => {
    if (exact.has(identity)) return true;
    if (!isUri(identity)) return suffixes.has(identity.slice(identity.indexOf(".")));
    const segments = uris.length === 0 ? [] : identity.split("/");
    return uris.some((fits) => fits(segments));
  };
  return { rules, allows: (identities) => identities.some(allows) };
}

/** Why these identities may not pull the group, or null. No access: nobody has said who may. */
export function refusalOf(access: Access | undefined, group: string, identities: readonly string[]): Refusal | null {
  const fleet = `fleet ${JSON.stringify(group)}`;
  if (identities.length === 0) {
    const message = "the client's certificate names nobody: it has no URI or DNS name as subject alternative name";
    return { reason: "noIdentity", message };
  }
  if (access === undefined) {
    return { reason: "noRules", message: `${fleet} has no xds.allow: nobody may pull it with a certificate` };
  }
  if (access.allows(identities)) return null;
  const shown = identities.join(", ");
  const cut = shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}...` : shown;
  return { reason: "notAllowed", message: `${fleet} does not allow ${cut} (xds.allow)` };
}

const isUri = (text: string): boolean => text.includes("://");

/** DNS names have no letter case; certificates' are lower case already. */
function spelled(rule: string): string {
  return isUri(rule) ? rule : rule.toLowerCase();
}

/** A test of an identity's parts between slashes. */
function uriPattern(rule: string): (segments: readonly string[]) => boolean {
  const wanted = rule.split("/");
  const goesOn = wanted.at(-1) === "**";
  if (goesOn) wanted.pop();
  return (segments) => {
    const isLong = goesOn ? segments.length > wanted.length : segments.length === wanted.length;
    return isLong && wanted.every((segment, index) => segment === "*" || segment === segments[index]);
  };
}
