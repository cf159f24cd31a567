/** Sizes as documents write them: `64KiB`, `1MiB`. */

const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 * 1024 };

/** In bytes, of text that the schema takes. */
export function parseByteSize(text: string): number {
  return Number(text.slice(0, -3)) * (UNITS[text.slice(-3)] ?? Number.NaN);
}
