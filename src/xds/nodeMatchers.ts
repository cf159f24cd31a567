/** The question of client status: which nodes, and with or without contents. */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { BadRequest } from "./decode.ts";
import { MAX_MATCHERS } from "./limits.ts";

/** Whether a node id is meant. */
export type NodeMatcher = (id: string) => boolean;

/** What is used of a ClientStatusRequest. */
export interface StatusRequest {
  /** None: all nodes. */
  readonly matchers: readonly NodeMatcher[];
  readonly contents: boolean;
}

/** True when any matcher takes the node, or there is none. */
export function matches(matchers: readonly NodeMatcher[], id: string): boolean {
  return matchers.length === 0 || matchers.some((matcher) => matcher(id));
}

/** Reads an encoded ClientStatusRequest. Throws BadRequest. */
export function readStatusRequest(message: Uint8Array): StatusRequest {
  const matchers: NodeMatcher[] = [];
  let contents = true;
  readFields(message, (field, reader) => {
    if (field === 1) matchers.push(readNodeMatcher(reader.bytes()));
    else if (field === 3) contents = !reader.bool();
    else return false;
    if (matchers.length > MAX_MATCHERS) throw new BadRequest(`a question has more than ${MAX_MATCHERS} node_matchers`);
    return true;
  });
  return { matchers, contents };
}

function readNodeMatcher(bytes: Uint8Array): NodeMatcher {
  let matcher: NodeMatcher = () => true;
  readFields(bytes, (field, reader) => {
    if (field === 2) throw new BadRequest("node_matchers: metadata of nodes is not kept; match node_id");
    if (field !== 1) return false;
    matcher = readStringMatcher(reader.bytes());
    return true;
  });
  return matcher;
}

/** By field of a StringMatcher: exact, prefix, suffix, contains. */
const TESTS: Readonly<Record<number, (text: string, wanted: string) => boolean>> = {
  1: (text, wanted) => text === wanted,
  2: (text, wanted) => text.startsWith(wanted),
  3: (text, wanted) => text.endsWith(wanted),
  7: (text, wanted) => text.includes(wanted),
};

function readStringMatcher(bytes: Uint8Array): NodeMatcher {
  let ignoreCase = false;
  let pattern: { field: number; wanted: string } | null = null;
  readFields(bytes, (field, reader) => {
    if (field === 5)
      throw new BadRequest("node_matchers: safe_regex is not served; use exact, prefix, suffix or contains");
    if (field === 6) ignoreCase = reader.bool();
    else if (TESTS[field] !== undefined) pattern = { field, wanted: reader.string() };
    else return false;
    return true;
  });
  if (pattern === null) throw new BadRequest("node_matchers: a node_id without a pattern");
  const { field, wanted } = pattern as { field: number; wanted: string };
  const folded = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  return (id) => TESTS[field]!(folded(id), folded(wanted));
}

/** `visit` reads the field and returns true, or returns false and has read nothing. */
function readFields(bytes: Uint8Array, visit: (field: number, reader: BinaryReader) => boolean): void {
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      const readable = wireType === WireType.LengthDelimited || wireType === WireType.Varint;
      if (!readable || !visit(field, reader)) reader.skip(wireType, field);
    }
  } catch (cause) {
    if (cause instanceof BadRequest) throw cause;
    throw new BadRequest("the request is not a valid protobuf message", { cause });
  }
}
