/** The model that a server holds. */
import type { Snapshot } from "../model/index.ts";
import type { ServerOptions } from "./client.ts";
import { modelOf, read } from "./serverRead.ts";

/** The model at one revision. */
export interface ServerModel {
  readonly snapshot: Snapshot;
  /** What If-Match takes to speak of this very revision. */
  readonly etag: string | null;
}

/** Reads `/v1/config`. Throws when the server refuses, or has a model that this program does not understand. */
export async function serverModel(server: ServerOptions): Promise<ServerModel> {
  const { body, etag } = await read(server, "/v1/config");
  return { snapshot: modelOf(body), etag };
}
