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
  if (answer.status !== 200) throw new Error(refusalText(answer));
  return { kind: "files", files: readFiles(answer.body, fleet), etag: answer.etag };
}

/** One line about an answer that is not what was asked for. */
export function refusalText({ status, body }: Pick<ClientAnswer, "status" | "body">): string {
  const { code, detail } = (body ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  const words = [code, detail].filter((word) => typeof word === "string").join(": ");
  return `the control plane answered ${status}${words === "" ? ", not as Trimtab does" : ` ${words}`}`;
}
