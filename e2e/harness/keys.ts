/** Which endpoint each of many keys goes to. */
import { e2e, type ProxyName } from "./context.ts";
import { openConnection, type RawRequest } from "./rawHttp.ts";
import { echoOf } from "./serve.ts";

/** Kept-alive connections used at once. */
const CONNECTIONS = 10;

/** Sends one request for each key; key -> upstream name (or `status NNN`). With a source, connections are a key's own. */
export async function placesOf(
  proxy: ProxyName,
  keys: readonly string[],
  requestOf: (key: string) => RawRequest,
): Promise<ReadonlyMap<string, string>> {
  const to = { address: e2e().proxies[proxy].address, port: e2e().ports.http };
  const places = new Map<string, string>();
  const left = [...keys];
  const worker = async (): Promise<void> => {
    let connection: Awaited<ReturnType<typeof openConnection>> | null = null;
    for (let key = left.pop(); key !== undefined; key = left.pop()) {
      const request = requestOf(key);
      if (request.source !== undefined) connection?.close();
      if (connection === null || request.source !== undefined) connection = await openConnection(to, request.source);
      const answer = await connection.request(request);
      places.set(key, echoOf(answer)?.name ?? `status ${answer.status}`);
    }
    connection?.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return places;
}

/** Keys that are at another endpoint than before, although the endpoint before is not `gone` and the one after is not `came`. */
export function foreignMoves(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  { gone, came }: { readonly gone?: string | undefined; readonly came?: string | undefined },
): string[] {
  return [...before].flatMap(([key, place]) => {
    const now = after.get(key);
    return now === place || place === gone || (came !== undefined && now === came)
      ? []
      : [`${key}: ${place} -> ${now}`];
  });
}
