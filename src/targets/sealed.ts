/** Private keys in the IR: the key itself, or the reference of a sealed one, which delivery opens. */

/** What every reference, and no key, begins with. */
const SEALED = "sealed:";

/** The references that a text is: one, or none. */
export function referencesIn(text: string): readonly string[] {
  return text.startsWith(SEALED) ? [text.trim()] : [];
}

/** For a file in which these texts stand. */
export function sealedIn(...texts: readonly string[]): { readonly secrets?: readonly string[] } {
  const secrets = texts.flatMap(referencesIn);
  return secrets.length === 0 ? {} : { secrets };
}
