/** The codes of the secrets room. */
import type { ErrorCodes } from "../errors/codes.ts";

/** What is wrong with a secret in a document. */
export const secretCodes = {
  "SECRET-INVALID": {
    status: 422,
    title: "Bad secret",
    explanation:
      "The value is not what the field takes: no PEM of one private key, locked with a password, too weak, of a type that proxies do not take, or damaged. The message says which, and never repeats the value.",
  },
  "SECRET-UNKNOWN": {
    status: 422,
    title: "Unknown sealed reference",
    explanation:
      "The value begins with `sealed:`, as what answers show in the place of a secret, but no secret of this server has that reference: it is of another server, or was changed. Send the secret itself.",
  },
} as const satisfies ErrorCodes;
