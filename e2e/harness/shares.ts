/** Counts which upstream takes how many of many equal requests. */
import { e2e, type ProxyName } from "./context.ts";
import { openConnection, type RawRequest } from "./rawHttp.ts";
import { echoOf } from "./serve.ts";

/** Kept-alive connections used at once: enough to keep a proxy busy on two cores. */
const CONNECTIONS = 10;

/** Sends the request `count` times over kept-alive connections; upstream name (or `status NNN`) -> answers. */
export async function shares(proxy: ProxyName, request: RawRequest, count: number): Promise<Record<string, number>> {
  const { proxies, ports } = e2e();
  const counts: Record<string, number> = {};
  let left = count;
  const worker = async (): Promise<void> => {
    let connection = await openConnection({ address: proxies[proxy].address, port: ports.http });
    let used = 0;
    while (left-- > 0) {
      // A proxy may end a connection after some requests (nginx: 1000); a new one in time keeps that out of the count.
      if (++used % 500 === 0) {
        connection.close();
        connection = await openConnection({ address: proxies[proxy].address, port: ports.http });
      }
      const answer = await connection.request(request);
      const taken = echoOf(answer)?.name ?? `status ${answer.status}`;
      counts[taken] = (counts[taken] ?? 0) + 1;
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return counts;
}
