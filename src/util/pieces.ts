/** A long text, in parts that are short enough to be worked on at once. */

/** Parts of about that many UTF-16 units, in order; none ends within a character. */
export function* piecesOf(text: string, units: number): Generator<string> {
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = start + units;
    // Both halves of a surrogate pair are one character.
    if (isHighSurrogate(text.charCodeAt(end - 1))) end += 1;
    yield text.slice(start, end);
  }
}

/** False for NaN, which is what stands behind the end. */
function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
