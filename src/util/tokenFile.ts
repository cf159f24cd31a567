/** Bearer tokens in files. */
import { readSecretFile } from "./secretFile.ts";

/** Fits a request's head (16 KiB) with all else; a signed token of a provider has 2 or 3 KiB. */
const MAX_TOKEN_CHARACTERS = 4096;

/** Shorter ones can be guessed, or were thought up: 32 characters of base64 are 192 random bits. */
export const SHORT_TOKEN_CHARACTERS = 32;

/**
 * The one token of a file; blanks and line ends around it do not count. Throws one line for a person: the file is open to others, or does
 * not hold one token. The token itself is never told.
 */
export async function readTokenFile(file: string): Promise<string> {
  const text = (await readSecretFile(file)).toString("utf8");
  const token = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
  if (token === "") throw new Error(`${file} holds no token: it is empty`);
  if (/[\r\n]/.test(token))
    throw new Error(`${file} does not hold one bearer token: it has several lines (blank lines around it are fine)`);
  if (/[ \t]/.test(token)) throw new Error(`${file} does not hold one bearer token: there is white space in it`);
  const odd = token.search(/[^\x21-\x7e]/);
  if (odd >= 0)
    throw new Error(
      `${file} does not hold one bearer token: character ${odd + 1} is none that a header can have; use ASCII letters and digits`,
    );
  if (token.length > MAX_TOKEN_CHARACTERS)
    throw new Error(`${file} does not hold one bearer token: it has more than ${MAX_TOKEN_CHARACTERS} characters`);
  return token;
}
