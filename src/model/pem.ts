/** PEM (RFC 7468), read strictly: what one proxy would skip and another refuse is refused here. No message quotes what was read. */

/** One block. */
export interface PemBlock {
  /** What stands behind BEGIN, as `CERTIFICATE`. */
  readonly label: string;
  readonly der: Buffer;
}

/** Blocks in order, or what is wrong with the text; it completes a sentence that begins with the field. */
export type Pem = { readonly blocks: readonly PemBlock[] } | { readonly problem: string };

const BEGIN = /^-----BEGIN ([A-Z0-9][A-Z0-9 ]{0,40})-----$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** Lines of text between blocks are for people (RFC 7468, section 5.2), as `openssl s_client` prints them. */
const LOOKS_LIKE_A_MARK = /-{5}/;

/** Reads at most `most` blocks. */
export function readPem(text: string, most: number): Pem {
  const blocks: PemBlock[] = [];
  let label: string | null = null;
  let body = "";
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = raw.trim();
    const at = `line ${index + 1}`;
    if (label === null) {
      const [, begun] = BEGIN.exec(line) ?? [];
      if (begun !== undefined) {
        if (blocks.length === most) return { problem: `has more than ${most} PEM blocks` };
        label = begun;
        body = "";
      } else if (LOOKS_LIKE_A_MARK.test(line)) return { problem: `has a PEM mark that begins nothing (${at})` };
    } else if (line === `-----END ${label}-----`) {
      const der = derOf(body);
      if (der === null) return { problem: `has a PEM block that is no base64 (it ends in ${at})` };
      blocks.push({ label, der });
      label = null;
    } else if (LOOKS_LIKE_A_MARK.test(line)) {
      return { problem: `has a PEM block that does not end as it begins (${at})` };
    } else if (line.includes(":") && body === "") {
      return { problem: `has a PEM block with headers (${at}): a key with a password, or an old form; convert it` };
    } else if (line !== "") {
      body += line;
    }
  }
  if (label !== null) return { problem: "has a PEM block that does not end" };
  if (blocks.length === 0) return { problem: "holds no PEM: a block begins with `-----BEGIN`" };
  return { blocks };
}

function derOf(body: string): Buffer | null {
  if (!BASE64.test(body) || body.length % 4 !== 0) return null;
  return Buffer.from(body, "base64");
}
