/**
 * Maps that a running HAProxy can take over: the shares of one split, which are replaced as one, and the backends of rules, each of
 * which is a value of its own. All others say together what a request is, and change together, with a reload.
 */
import type { RuntimeMap } from "../target.ts";

/** Of one rule (`split.shop.api.map`) or of a TCP port (`split.map`); where rules share tables of shares it is none. */
const SPLIT = /^maps\/[^/]+\/split(?:\.[^/.]+\.[^/]+)?\.map$/;
const BACKENDS = /^maps\/[^/]+\/backends\.map$/;
/** What commands take as it is. */
const PLAIN = /^[\w.:/?-]+$/;

/** Null: this is no such change. */
export function runtimeMap(path: string, before: string, after: string): RuntimeMap | null {
  if (!PLAIN.test(path)) return null;
  const next = entriesOf(after);
  let entries = next;
  const isWhole = SPLIT.test(path);
  if (!isWhole) {
    const last = BACKENDS.test(path) ? entriesOf(before) : [];
    if (last.length !== next.length || next.some(({ key }, index) => key !== last[index]?.key)) return null;
    entries = next.filter(({ value }, index) => value !== last[index]?.value);
  }
  return entries.every(({ key, value }) => PLAIN.test(key) && PLAIN.test(value)) ? { path, isWhole, entries } : null;
}

function entriesOf(text: string): RuntimeMap["entries"] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const space = line.indexOf(" ");
    return { key: line.slice(0, space), value: line.slice(space + 1) };
  });
}
