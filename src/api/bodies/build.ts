/** A value out of the outline of its text, run by run: no step builds more than a run. */
import type { Steps } from "../../util/steps.ts";
import type { Outline } from "./outline.ts";

/** What a value is built from: the text, and what the outline found. */
export interface Outlined extends Pick<Outline, "runs" | "inObject"> {
  readonly bytes: Uint8Array;
  /** The outline's frame, parsed. */
  readonly frame: unknown;
}

/** The items or members of one run. Throws a SyntaxError when it is not well-formed. */
export function readRun({ bytes, runs, inObject }: Omit<Outlined, "frame">, index: number): unknown[] | object {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString("utf8", runs[index * 2], runs[index * 2 + 1]);
  return JSON.parse(inObject[index] ? `{${text}}` : `[${text}]`);
}

/** The value of a text that was found to be JSON without a key that stands twice. */
export function* build(outlined: Outlined): Steps<unknown> {
  return outlined.runs.length === 0 ? outlined.frame : yield* buildNode(outlined.frame, outlined);
}

/** Of a frame: numbers stand for runs, there is nothing else beside lists and objects. */
function* buildNode(node: unknown, outlined: Outlined): Steps<unknown> {
  if (Array.isArray(node)) {
    const list: unknown[] = [];
    for (const entry of node) {
      if (typeof entry === "number") list.push(...(readRun(outlined, entry) as unknown[]));
      else list.push(yield* buildNode(entry, outlined));
      yield;
    }
    return list;
  }
  const members: [string, unknown][] = [];
  for (const [key, entry] of Object.entries(node as object)) {
    if (typeof entry === "number") members.push(...Object.entries(readRun(outlined, entry)));
    else members.push([key, yield* buildNode(entry, outlined)]);
    yield;
  }
  // A key `__proto__` becomes a key like any other.
  return Object.fromEntries(members);
}
