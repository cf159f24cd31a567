/** Where files come from: the only place that asks for them. */
import type { Client, ClientAnswer } from "./client.ts";
import { readFiles } from "./readFiles.ts";
import type { Fetched } from "./types.ts";

/** The newest files of a fleet, unless `etag` names them. Rejects with one sentence when there are none to be had. */
export async function fetchFiles(
  client: Pick<Client, "send">,
  fleet: string,
  { etag, signal }: { readonly etag: string | null; readonly signal: AbortSignal },
): Promise<Fetched> {
  const headers = etag === null ? {} : { "if-none-match": etag };
  const answer = await client.send({ method: "GET", path: `/v1/fleets/${fleet}/files`, headers, signal });
  if (answer.status === 304) return { kind: "same" };
  if (answer.status !== 200) throw refusalOf(answer);
  return { kind: "files", files: readFiles(answer.body, fleet), etag: answer.etag };
}

/** The control plane answered, and not what was asked for. */
export class Refusal extends Error {}

/** Of such an answer, in one line. */
export function refusalOf({ status, body }: Pick<ClientAnswer, "status" | "body">): Refusal {
  const { code, detail } = (body ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  const words = [code, detail].filter((word) => typeof word === "string").join(": ");
  return new Refusal(`the control plane answered ${status}${words === "" ? ", not as Trimtab does" : ` ${words}`}`);
}
