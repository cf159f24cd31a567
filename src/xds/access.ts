/** Which clients may pull a group: the rules of its owner against what a certificate says. */
import type { Refusal } from "./refusals.ts";

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
  const patterns = rules.filter((rule) => rule.includes("*")).map(patternOf);
  const allows = (identity: string): boolean => exact.has(identity) || patterns.some((fits) => fits(identity));
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
  return { reason: "notAllowed", message: `${fleet} does not allow ${identities.join(", ")} (xds.allow)` };
}

const isUri = (text: string): boolean => text.includes("://");

/** DNS names have no letter case; certificates' are lower case already. */
function spelled(rule: string): string {
  return isUri(rule) ? rule : rule.toLowerCase();
}

function patternOf(rule: string): (identity: string) => boolean {
  return isUri(rule) ? uriPattern(rule) : dnsPattern(rule.toLowerCase());
}

function uriPattern(rule: string): (identity: string) => boolean {
  const wanted = rule.split("/");
  const goesOn = wanted.at(-1) === "**";
  if (goesOn) wanted.pop();
  return (identity) => {
    const shown = identity.split("/");
    const isLong = goesOn ? shown.length > wanted.length : shown.length === wanted.length;
    return isLong && wanted.every((segment, index) => segment === "*" || segment === shown[index]);
  };
}

function dnsPattern(rule: string): (identity: string) => boolean {
  const suffix = rule.slice(1);
  return (identity) => !isUri(identity) && identity.slice(identity.indexOf(".")) === suffix;
}
