/** What attacks expect of answers. */
import type { Server } from "./types.ts";

/** Some bytes, and the path that they are sent to. */
export interface Shot {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body: string | Buffer;
  readonly headers?: Record<string, string>;
}

/** Sends them; what is not answered with one of the statuses is told. A connection that is cut is an answer too. */
export async function shoot(server: Server, shot: Shot, statuses: readonly number[]): Promise<string[]> {
  const { name, method, path, body, headers } = shot;
  try {
    const { status, text } = await server.call(method, path, body, headers);
    if (statuses.includes(status)) return [];
    return [`${name}: ${status} instead of ${statuses.join(", ")}: ${text.slice(0, 200)}`];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ECONNRESET" || code === "EPIPE" ? [] : [`${name}: ${String(error)}`];
  }
}

/** One after the other. */
export async function shootAll(server: Server, shots: readonly Shot[], statuses: readonly number[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const shot of shots) wrong.push(...(await shoot(server, shot, statuses)));
  return wrong;
}
