/** The model that a server holds. */
import { applyChanges, changeTo, emptySnapshot, type Snapshot, validateConfig } from "../model/index.ts";
import { isObject, refusalText, type ServerOptions, send } from "./client.ts";

/** The model at one revision. */
export interface ServerModel {
  readonly snapshot: Snapshot;
  /** What If-Match takes to speak of this very revision. */
  readonly etag: string | null;
}

/** Reads `/v1/config`. Throws when the server refuses, or has a model that this program does not understand. */
export async function serverModel(server: ServerOptions): Promise<ServerModel> {
  const answer = await send(server, { method: "GET", path: "/v1/config" });
  if (answer.status !== 200 || !isObject(answer.body)) throw new Error(refusalText(answer));
  const { resources, diagnostics } = validateConfig(answer.body);
  const [first] = diagnostics;
  if (first !== undefined)
    throw new Error(`the server's model is not one that this version knows: ${first.pointer || "/"}: ${first.message}`);
  return { snapshot: applyChanges(emptySnapshot, resources.map(changeTo)), etag: answer.etag };
}
