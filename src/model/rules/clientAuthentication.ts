import { problem, type Rule, touchedOf } from "./rule.ts";

const CODE = "MODEL-TLS";
const WHY = "proxies would let no client of the first one in; give both a list, or none";

/**
 * Proxies look for a revocation list of everybody who has issued a certificate of the chain as soon as they have one list: of several
 * authorities each has to have one, or none.
 */
export const clientAuthentication: Rule = function* (snapshot, touched) {
  for (const listener of touchedOf(touched, "listener")) {
    const names = listener.body.tls?.clientAuthentication?.authorities ?? [];
    const lists = names.map((name) => snapshot.authority.get(name)?.body.crl !== undefined);
    for (const [index, hasList] of lists.entries()) {
      if (hasList || !lists.includes(true) || !snapshot.authority.has(names[index] as string)) continue;
      const other = JSON.stringify(names[lists.indexOf(true)]);
      const own = JSON.stringify(names[index]);
      const message = `authority ${own} has no \`crl\`, and ${other} has one: ${WHY}`;
      yield problem(CODE, listener, { pointer: `/tls/clientAuthentication/authorities/${index}`, message });
    }
  }
};
