/** What a running HAProxy does to get from one rendering to the next. */
import type { Effect, Rendered, RenderedFiles, Socket } from "../target.ts";
import { runtimeChange } from "./runtimeChange.ts";

/** Servers change in the running process; new workers for any other file; a socket that goes or comes besides. */
export function effect(before: Rendered | null, after: Rendered): Effect {
  const next = filesOf(after);
  if (before === null) return "reload";
  const last = filesOf(before);
  if (last.generation === next.generation) return "none";
  if (!isSameSockets(last.sockets, next.sockets)) return "listenerDrain";
  return runtimeChange(last.files, next.files) === null ? "reload" : "runtime";
}

function filesOf(rendered: Rendered): RenderedFiles {
  if (rendered.kind !== "files") throw new Error("the HAProxy target renders files");
  return rendered;
}

function isSameSockets(before: readonly Socket[], after: readonly Socket[]): boolean {
  const keys = (sockets: readonly Socket[]): string =>
    sockets.map(({ address, port, transport = "tcp" }) => `${address} ${port} ${transport}`).join();
  return keys(before) === keys(after);
}
