/** The same raw requests to three real proxies with one model that gates, and what they did otherwise. */
import type { ProxyKind } from "../../ir/index.ts";
import type { Random } from "../../xds/testingRandom.ts";
import { compileDocument, renderFleet } from "../modelFiles.ts";
import { ADDRESSES, type RunningProxy, startProxy } from "../sameBehaviour/proxies.ts";
import { close, freePort, listen } from "../sameBehaviour/wire.ts";
import { type Client, createClient, tellingUpstream } from "./client.ts";
import { GATED_FIELDS, gateModel, PROXIES } from "./gates.ts";
import { outcomeOf } from "./outcome.ts";
import { drawRequest, type RawRequest } from "./requests.ts";

/** What the three made of one request: equal texts, or not. */
export interface Difference {
  readonly request: RawRequest;
  readonly outcomes: Readonly<Record<ProxyKind, string>>;
}

/** What came of a run. */
export interface RunReport {
  readonly sent: number;
  /** Requests that were forwarded, denied, refused on all three alike. */
  readonly alike: Readonly<Record<string, number>>;
  readonly differences: readonly Difference[];
}

/** Requests on their way at a time, each to all three. */
const WORKERS = 16;

/** Sends as many requests. `tell` hears of every difference at once. */
export async function runRawBytes(
  count: number,
  random: Random,
  tell: (found: Difference) => void,
): Promise<RunReport> {
  const upstream = tellingUpstream();
  const upstreamPort = await listen(upstream, "127.0.0.1");
  const port = await freePort(Object.values(ADDRESSES));
  const { compiled, diagnostics } = compileDocument(gateModel(port, upstreamPort, ADDRESSES));
  if (compiled === null) throw new Error(JSON.stringify(diagnostics));
  const running: RunningProxy[] = [];
  const differences: Difference[] = [];
  const alike: Record<string, number> = {};
  let sent = 0;
  const work = async (worker: number): Promise<void> => {
    const clients = new Map<string, Client>();
    const clientOf = (proxy: ProxyKind, source: string): Client => {
      const key = `${proxy} ${source}`;
      const known = clients.get(key) ?? createClient({ address: ADDRESSES[proxy], port }, source);
      clients.set(key, known);
      return known;
    };
    while (sent < count) {
      const request = drawRequest(random, `${worker}.${sent++}`);
      const isLast = request.bends.length > 0;
      const all = await Promise.all(
        PROXIES.map(async (proxy) => {
          const answer = await clientOf(proxy, request.source).ask(request.bytes, request.method, isLast);
          return [proxy, outcomeOf(answer, GATED_FIELDS)] as const;
        }),
      );
      const [first] = all;
      if (all.every(([, outcome]) => outcome === first?.[1])) {
        const kind = first?.[1].split(" ", 1)[0] ?? "";
        alike[kind] = (alike[kind] ?? 0) + 1;
        continue;
      }
      const found = { request, outcomes: Object.fromEntries(all) as Record<ProxyKind, string> };
      differences.push(found);
      tell(found);
    }
    for (const client of clients.values()) client.close();
  };
  try {
    for (const ir of compiled.fleets.values()) running.push(await startProxy(ir.proxy, renderFleet(ir), port));
    await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
  } finally {
    for (const proxy of running) await proxy.stop();
    await close(upstream);
  }
  return { sent, alike, differences };
}
