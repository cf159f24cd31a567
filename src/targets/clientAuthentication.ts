/** What all targets say of clients' certificates, and whom they trust: proxies take one bundle for a listener. */
import { type AuthorityIr, askedBy, type ClientAuthenticationIr, type FleetIr } from "../ir/index.ts";
import { contentHash } from "../util/hash.ts";

/** The name of those whom a listener trusts: an authority's, or that of several in one. No authority's name has a dot. */
export function trustedName({ authorities }: Pick<ClientAuthenticationIr, "authorities">): string {
  const [first = ""] = authorities;
  if (authorities.length === 1) return first;
  return `${first}.${contentHash(...authorities)}`;
}

/** A fleet's authorities, and those that are several in one because a listener trusts them all. */
export function trustedAuthorities({ authorities, ports }: FleetIr): readonly AuthorityIr[] {
  const joined = new Map<string, AuthorityIr>();
  for (const own of ports.flatMap(askedBy)) {
    if (own.authorities.length === 1) continue;
    const name = trustedName(own);
    if (!joined.has(name)) joined.set(name, joinedOf(name, own, authorities));
  }
  return joined.size === 0 ? authorities : [...authorities, ...joined.values()];
}

function joinedOf(name: string, own: ClientAuthenticationIr, all: readonly AuthorityIr[]): AuthorityIr {
  const members = all.filter((authority) => own.authorities.includes(authority.name));
  return {
    name,
    bundle: members.map(({ bundle }) => bundle).join(""),
    crl: own.revokes ? members.map(({ crl }) => crl ?? "").join("") : null,
  };
}
