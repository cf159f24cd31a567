/** The words of the secrets room. */

/** A secret as it is kept, or why what was sent is none. */
export type ReadSecret =
  | {
      /** In the one form in which it is kept: equal secrets have equal texts. */
      readonly text: string;
      /** `publicKeyHash` of its public key; null: it has none. */
      readonly publicKey: string | null;
      /** A longer look, at what is not known yet: why it is no good, or null. */
      readonly check: () => string | null;
    }
  | Refused;

/** Completes a sentence that begins with the value; never repeats what was sent. */
export interface Refused {
  readonly refused: string;
}

/** A secret that was sealed: what stands for it, and what is stored. */
export interface Sealed {
  readonly reference: string;
  /** Ciphertext. */
  readonly box: Uint8Array;
}

/** Gives the text of a secret. Throws when it is not known, or does not open. */
export type OpenSecret = (reference: string) => string;

/** Seals what documents hold, and opens it again at delivery. */
export interface Keeper {
  /** Nothing is stored yet. */
  seal(type: string, text: string): Sealed | Refused;
  /** Whether the secret is stored. */
  knows(reference: string): boolean;
  readonly open: OpenSecret;
}
