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
