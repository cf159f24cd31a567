/** Which characters the texts that an expression matches are made of, and what that says of encoded paths. */
import { linearRegex } from "./linear.ts";
import { parseRegex } from "./parse.ts";
import { bytesOf, startOf } from "./shape.ts";
import { ANY_BYTE, type ByteSet, type RegexNode, withoutGroups } from "./tree.ts";

/** Whether each byte of each text that the expression (of the common dialect) matches is one of these ASCII characters. */
export function matchesOnly(text: string, characters: string): boolean {
  return (bytesOf(withoutGroups(parseRegex(text))) & ~setOf(characters)) === 0n;
}

function setOf(characters: string): ByteSet {
  let set: ByteSet = 0n;
  for (const character of characters) set |= 1n << BigInt(character.charCodeAt(0));
  return set;
}

/** Whether the expression (of the common dialect) can match an empty text. */
export function matchesEmpty(text: string): boolean {
  return startOf([withoutGroups(parseRegex(text))]).isNullable;
}

/** Of an encoded character, as `%2C`. */
const HEX_DIGITS = setOf("0123456789abcdefABCDEF");
const ENCODED = HEX_DIGITS | setOf("%");
/** The linear form, where what it is made of means the same for a line feed as for any other byte once `.` takes it, too. */
const WITHOUT_LISTS =
  /^(?:[A-Za-z0-9_~/%&',:;<=>@!"#`-]|\\[^A-Za-z0-9]|\\[dw]|\.|\(\?[:>]|[()|*+?]|\{\d+(?:,\d*)?\}|\[\^?(?:[A-Za-z0-9_.~/-]|\\[./-])+\])*$/;

/**
 * Whether the expression matches a path in which none of the `plain` characters (letters, digits and more ASCII) is encoded exactly
 * when its linear form, with `.` taking line feeds, matches the path decoded. So it does when whatever is not plain can only stand
 * where any number of such characters can, as in `[^/]+` and `.*`, and no digit of an encoded one can be taken for what follows.
 */
export function matchesDecoded(text: string, plain: string): boolean {
  const tree = withoutGroups(parseRegex(text));
  return isBlind(tree, 0n, setOf(plain)) && WITHOUT_LISTS.test(linearRegex(text).pattern);
}

/** `follow`: what the text can go on with behind the node. */
function isBlind(node: RegexNode, follow: ByteSet, plain: ByteSet): boolean {
  switch (node.kind) {
    case "set":
      return (node.set & ~plain) === 0n;
    case "assertion":
      return false;
    case "choice":
      return node.branches.every((branch) => isBlind(branch, follow, plain));
    case "sequence": {
      let after = follow;
      for (const item of node.items.toReversed()) {
        if (!isBlind(item, after, plain)) return false;
        const { first, isNullable } = startOf([item]);
        after = isNullable ? first | after : first;
      }
      return true;
    }
    case "repeat": {
      const { body, min, max } = node;
      if (body.kind !== "set") return isBlind(body, max > 1 ? follow | startOf([body]).first : follow, plain);
      if ((body.set & ~plain) === 0n) return true;
      const takesAll = (((ANY_BYTE & ~plain) | ENCODED) & ~body.set) === 0n;
      return takesAll && min <= 1 && max === Number.POSITIVE_INFINITY && (follow & HEX_DIGITS) === 0n;
    }
  }
}
