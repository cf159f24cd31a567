/** What a module remembers from one call to the next: two users of it in one process share that, wanted or not. */
import { type AstNode, isNode, nameOf, walk } from "./ast.ts";

/**
 * Memories that hold nothing of a model, each with its reason: they may stand at module level. As `path name`.
 */
export const ALLOWED_MEMORIES: Readonly<Record<string, string>> = {
  "src/agent/processGroup.ts liveGroups": "children of this process, to be ended with it",
  "src/agent/processGroup.ts hooked": "whether this process's exit is watched",
  "src/model/certificateFacts.ts facts": "pure function of a resource, which is never changed; dropped with it",
  "src/model/certificateFacts.ts recent": "pure function of a text; bounded",
  "src/model/ownVerdicts.ts verdicts": "pure function of a resource, which is never changed; dropped with it",
  "src/model/references.ts cache": "pure function of a resource, which is never changed; dropped with it",
  "src/regex/linear.ts known": "pure function of a pattern's text; bounded",
  "src/regex/shape.ts starts": "pure function of a pattern's tree, which is dropped with it",
  "src/xds/encode.ts deltaFrames": "pure function of an opaque resource, which is dropped with it",
  "src/xds/encode.ts sotwFrames": "as deltaFrames",
  "src/xds/globs.ts tables": "pure function of a map that is never changed; dropped with it",
  "src/xds/refs.ts tables": "as deltaFrames",
  "src/xds/transport.ts due": "whose turn of this process's event loop comes next",
  "src/targets/haproxy/renderer.ts templates": "the templates as they lie on disk, read once",
  "src/targets/nginx/check.ts namespace": "what this machine lets a process do, asked once",
  "src/targets/nginx/quote.ts knownVariables": "pure function of a variable's name; bounded",
  "src/util/slices.ts waiting": "whose turn of this process's event loop comes next",
};

const FORGETFUL = new Set(["WeakMap", "WeakSet", "WeakRef"]);
const CHANGING = new Set("set add delete clear push pop shift unshift splice sort reverse fill copyWithin".split(" "));

/** Declarations at the top of a module that are memories: variables, weak maps, and whatever is changed later. */
export function moduleMemories(program: AstNode): { readonly node: AstNode; readonly name: string }[] {
  const changed = changedNames(program);
  return (program.body as AstNode[]).flatMap((statement) => {
    const declaration = isNode(statement.declaration) ? statement.declaration : statement;
    if (declaration.type !== "VariableDeclaration") return [];
    return (declaration.declarations as AstNode[]).flatMap((node) => {
      const name = nameOf(node.id);
      if (name === undefined) return [];
      const isMemory = declaration.kind !== "const" || isForgetful(node.init) || changed.has(name);
      return isMemory ? [{ node, name }] : [];
    });
  });
}

function isForgetful(init: unknown): boolean {
  return isNode(init) && init.type === "NewExpression" && FORGETFUL.has(nameOf(init.callee) ?? "");
}

/** Names of which something is changed somewhere: an element, a member, or all by a method. */
function changedNames(program: AstNode): Set<string> {
  const names = new Set<string>();
  walk(program, (node) => {
    const name = changedBy(node);
    if (name !== undefined) names.add(name);
  });
  return names;
}

function changedBy(node: AstNode): string | undefined {
  const { type, left, argument, callee } = node;
  if (type === "AssignmentExpression") return isPlaceToSearch(left) ? undefined : objectOf(left);
  if (type === "UpdateExpression" || (type === "UnaryExpression" && node.operator === "delete"))
    return objectOf(argument);
  if (type !== "CallExpression" || !isNode(callee)) return undefined;
  return CHANGING.has(nameOf(callee.property) ?? "") ? objectOf(callee) : undefined;
}

/** Of a regular expression that goes on where it stood: it is set before each search. */
function isPlaceToSearch(node: unknown): boolean {
  return isNode(node) && nameOf(node.property) === "lastIndex";
}

/** `a` of `a.b` and `a[b]`. */
function objectOf(node: unknown): string | undefined {
  return isNode(node) && node.type === "MemberExpression" ? nameOf(node.object) : undefined;
}
