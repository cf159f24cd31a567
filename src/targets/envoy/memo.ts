/** What is made of an IR node, made once. */

/** `make`, remembered by the identity of its argument for as long as that lives. */
export function memoByIdentity<Node extends object, Result>(make: (node: Node) => Result): (node: Node) => Result {
  const known = new WeakMap<Node, Result>();
  return (node) => {
    let result = known.get(node);
    if (result === undefined) {
      result = make(node);
      known.set(node, result);
    }
    return result;
  };
}

/** Results kept by key: each is a few hundred bytes for a port of a fleet. */
const MAX_KEYS = 1024;

/** `make`, remembered by the fields of its argument, which are one word each; all is forgotten when there are too many. */
export function memoByFields<Input extends Readonly<Record<keyof Input, string | number | boolean>>, Result>(
  make: (input: Input) => Result,
): (input: Input) => Result {
  const known = new Map<string, Result>();
  return (input) => {
    const key = Object.values(input).join(" ");
    let result = known.get(key);
    if (result === undefined) {
      result = make(input);
      if (known.size >= MAX_KEYS) known.clear();
      known.set(key, result);
    }
    return result;
  };
}
