/** Messages quote what was sent, and what was sent may be a secret in a wrong place: what looks like one is taken out at the door. */

const HIDDEN = "[hidden]";

/** A private key in PEM, or the beginning of one, also as JSON writes it. */
const PEM_KEY = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:\\[nr]|[A-Za-z0-9+/=~:,\s-])*/g;

/** As much base64 as says something; the parts of what was sealed are none. */
const BASE64 = /(?<!sealed:[\w:-]*)(?:[A-Za-z0-9+/=]|~1){20,}/g;

/** The text without what looks like a private key or a piece of its base64: words and hexadecimal numbers stay. */
export function hideSecrets(text: string): string {
  if (text.length < MIN_LENGTH) return text;
  return text.replace(PEM_KEY, HIDDEN).replace(BASE64, (run) => (isRandom(run) ? HIDDEN : run));
}

/** Shorter ones say too little. */
const MIN_LENGTH = 20;

/** In base64 two of five letters are large ones, and as many small; in words, paths and hexadecimal numbers one or the other is rare. */
function isRandom(run: string): boolean {
  const few = run.length / 5;
  return run.replace(/[^A-Z]/g, "").length >= few && run.replace(/[^a-z]/g, "").length >= few;
}
