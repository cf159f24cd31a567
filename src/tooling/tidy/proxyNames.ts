/** Where a program knows a proxy by its name: as a text, a key or a member. Comments, and texts that say more, do not count. */
import { type AstNode, isNode, nameOf, walk } from "./ast.ts";

const NAMES = new Set(["envoy", "nginx", "haproxy"]);

/** Who may: the targets, the agent's adapters, the IR's type of all of them, and what is not part of the program. */
const PLACES = /^src\/(targets\/|agent\/adapters\/|ir\/index\.ts$|tooling\/)/;

/** Whether a file is one that may know proxies by name. */
export function mayNameProxies(path: string): boolean {
  return PLACES.test(path);
}

/** Nodes that name a proxy. */
export function proxyNames(program: AstNode): AstNode[] {
  const found: AstNode[] = [];
  walk(program, (node) => {
    if (isName(textOf(node)) || isName(nameOf(keyOf(node)))) found.push(node);
  });
  return found;
}

function isName(text: unknown): boolean {
  return typeof text === "string" && NAMES.has(text);
}

function textOf({ type, value }: AstNode): unknown {
  if (type === "TemplateElement") return (value as { cooked?: unknown }).cooked;
  return type === "Literal" ? value : undefined;
}

/** What stands before the colon of a property, or behind the dot of a member; what is computed is an expression of its own. */
function keyOf({ type, key, property, computed }: AstNode): unknown {
  if (computed === true) return undefined;
  return type === "MemberExpression" ? property : isNode(key) ? key : undefined;
}
