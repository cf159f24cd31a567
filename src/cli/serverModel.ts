/** The model that a server holds. */
import { applyChanges, type Change, emptySnapshot, type Snapshot, validateConfig } from "../model/index.ts";
import { type ServerOptions, send } from "./client.ts";

/** Reads `/v1/config`. Throws when the server refuses. */
export async function serverModel(server: ServerOptions): Promise<Snapshot> {
  const { status, body } = await send(server, { method: "GET", path: "/v1/config" });
  if (status !== 200) throw new Error(`the server answered ${status} to GET /v1/config: ${JSON.stringify(body)}`);
  const { resources } = validateConfig(body);
  return applyChanges(
    emptySnapshot,
    resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change),
  );
}
