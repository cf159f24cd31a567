/** Who a client certificate says its holder is. */

/** One entry of Node's `subjectaltname`: `URI:spiffe://a/b`. Values that could be read in two ways stand in quotes, as JSON. */
const ENTRY = /(?:^|, )([A-Za-z][A-Za-z0-9 ]*):("(?:[^"\\]|\\.)*"|[^,"]*)/y;
/** Neither empty segments nor dots: what a rule says of a place in the path holds for whoever reads the identity. */
const URI = /^[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._~:@[\]-]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~!$&'()+,;=:@%-]+)*$/;
/** A name that is a pattern itself names no holder, so there is no `*` here. */
const DNS = /^(?:[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?$/;

/** More than any CA gives; a certificate is the client's bytes, even when a CA has signed them. */
const MAX_IDENTITIES = 16;
/** SPIFFE's own bound of an ID. */
const MAX_IDENTITY_LENGTH = 2_048;

/**
 * The identities in the text form that Node gives of a certificate's subject alternative names: URIs as they are, DNS names in lower
 * case. A DNS name never looks like a URI. Nothing when the text cannot be read whole; the subject's common name is none.
 */
export function identitiesIn(subjectAltNames: string | undefined): readonly string[] {
  if (subjectAltNames === undefined) return [];
  const found: string[] = [];
  let at = 0;
  while (at < subjectAltNames.length) {
    ENTRY.lastIndex = at;
    const entry = ENTRY.exec(subjectAltNames);
    if (entry === null) return [];
    at += entry[0].length;
    const [, kind = "", value = ""] = entry;
    if (value.length > MAX_IDENTITY_LENGTH) continue;
    if (kind === "URI" && URI.test(value)) found.push(value);
    if (kind === "DNS" && DNS.test(value)) found.push(value.toLowerCase());
  }
  return found.slice(0, MAX_IDENTITIES);
}
