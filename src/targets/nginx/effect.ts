/** What a running nginx does to get from one rendering to the next. */
import type { Effect, Rendered, Socket } from "../target.ts";

/** New workers take over the sockets that stay; one that goes or comes is closed or opened with them. */
export function effectOfNginx(before: Rendered | null, after: Rendered): Effect {
  if (before === null) return "none";
  if (before.kind !== "files" || after.kind !== "files") throw new Error("nginx renders files");
  if (before.generation === after.generation) return "none";
  return placesOf(before.sockets) === placesOf(after.sockets) ? "reload" : "listenerDrain";
}

function placesOf(sockets: readonly Socket[]): string {
  return sockets
    .map(({ address, port, transport = "tcp" }) => `${address} ${port} ${transport}`)
    .sort()
    .join("\n");
}
