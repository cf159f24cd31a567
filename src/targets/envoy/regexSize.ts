/** An upper estimate of what RE2 makes of an expression. Counted repeats are written out, so a short text can be a large program. */

/** Envoy compiles for bytes, so a class is one instruction per range of bytes: two for `.`, at most five for `\\W`. */
const ANY_INSTRUCTIONS = 2;
const ESCAPE_INSTRUCTIONS = 5;
/** A capture group has two marks of its own, an alternative one. */
const GROUP_INSTRUCTIONS = 2;

const COUNT = /^\{(\d+)(?:,(\d*))?\}/;

/** Instructions of the program for `text`, which is a valid expression of the common dialect. */
export function regexInstructions(text: string): number {
  // Sizes of the open groups, outermost first, and of the last atom, which a repeat multiplies.
  const open: number[] = [0];
  let atom = 0;
  let at = 0;
  const add = (size: number) => {
    atom = size;
    open[open.length - 1] = (open.at(-1) as number) + size;
  };
  while (at < text.length) {
    const count = COUNT.exec(text.slice(at));
    const character = text[at] as string;
    if (count !== null) {
      const times = Math.max(1, Number(count[1]), Number(count[2] || 0) + 1);
      // Copies that may be left out have a branch each.
      add(atom * (times - 1) + (count[2] === undefined ? 0 : times));
      at += count[0].length;
      continue;
    }
    if (character === "(") open.push(GROUP_INSTRUCTIONS);
    else if (character === ")" && open.length > 1) add(open.pop() as number);
    else if (character === "[") {
      const end = classEnd(text, at);
      add(classInstructions(text.slice(at, end)));
      at = end;
    } else if (character === ".") add(ANY_INSTRUCTIONS);
    else add(character === "\\" ? ESCAPE_INSTRUCTIONS : 1);
    at += character === "\\" ? 2 : 1;
  }
  return open.reduce((sum, size) => sum + size, 0);
}

/** No more ranges than characters, and one more when inverted. */
function classInstructions(text: string): number {
  const escapes = text.split("\\").length - 1;
  return text.length + escapes * ESCAPE_INSTRUCTIONS;
}

/** Index of the `]` that ends the class at `start`. */
function classEnd(text: string, start: number): number {
  let at = text[start + 1] === "^" ? start + 2 : start + 1;
  if (text[at] === "]") at++;
  while (at < text.length && text[at] !== "]") at += text[at] === "\\" ? 2 : 1;
  return at;
}
