/** The description of the API as a file: what `/openapi.json` answers, of a server that may ask for a token or not. */
import { Registry } from "prom-client";
import { createApi } from "../../api/index.ts";
import type { Publisher } from "../../publish/types.ts";
import type { Keeper } from "../../secrets/index.ts";
import type { Store } from "../../store/types.ts";

/** Nobody asks this API anything: its store is empty, and nothing is published. */
const store = { head: () => ({ revision: 0 }) } as unknown as Store;
const secrets = { knows: () => false } as unknown as Keeper;
const publisher = { createAdmitter: () => null } as unknown as Publisher;

/** The text of `docs/reference/openapi.json`. */
export async function openApi(version: string): Promise<string> {
  const api = await createApi({ store, publisher, secrets, registry: new Registry(), version, access: "either" });
  const text = `${JSON.stringify(api.app.swagger(), null, 1)}\n`;
  await api.close();
  return text;
}
