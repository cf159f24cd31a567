/** What an attack is: something that is sent to a running server, and the promise that must hold meanwhile. */

/** The server under attack: a process of its own. */
export interface Server {
  /** Of its REST API, without a slash at the end. */
  readonly url: string;
  readonly pid: number;
  /** Its data folder. */
  readonly dir: string;
  /** One request, on a connection of its own. A connection that breaks rejects. */
  call(
    method: string,
    path: string,
    body?: string | Buffer,
    headers?: Record<string, string>,
  ): Promise<{ status: number; text: string }>;
}

/** One attack. */
export interface Attack {
  readonly name: string;
  /** What must hold, in a sentence. */
  readonly promise: string;
  /** What was wrong; empty when the promise held. `short` is part of `npm test`. */
  run(server: Server, size: "short" | "whole"): Promise<readonly string[]>;
}
