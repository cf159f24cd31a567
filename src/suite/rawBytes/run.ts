/** The same raw requests to three real proxies with one model that gates, and what they did otherwise. */
import type { ProxyKind } from "../../ir/index.ts";
import type { Random } from "../../xds/testingRandom.ts";
import { compileDocument, renderFleet } from "../modelFiles.ts";
import { ADDRESSES, type RunningProxy, startProxy } from "../sameBehaviour/proxies.ts";
import { close, freePort, listen } from "../sameBehaviour/wire.ts";
import { type Client, createClient, type RawAnswer, tellingUpstream } from "./client.ts";
import { evasionOf } from "./evasion.ts";
import { gateModel, PROXIES } from "./gates.ts";
import { knownOf } from "./known.ts";
import { outcomeOf, toldBy } from "./outcome.ts";
import { drawRequest, type RawRequest } from "./requests.ts";

/** What the three made of one request that they did not take alike, or that evaded a rule. */
export interface Finding {
  readonly request: RawRequest;
  readonly outcomes: Readonly<Record<ProxyKind, string>>;
  /** Rows of docs/decisions/0011 that it meets. */
  readonly known: readonly string[];
  /** Null: the rows say it all. */
  readonly fault: string | null;
}

/** What came of a run. */
export interface RunReport {
  readonly sent: number;
  /** Requests that were taken alike, by status. */
  readonly alike: Readonly<Record<string, number>>;
  /** How many were not. */
  readonly different: number;
}

/** Requests on their way at a time, each to all three. */
const WORKERS = 16;

/** Sends as many requests. `tell` hears of each finding at once. */
export async function runRawBytes(count: number, random: Random, tell: (found: Finding) => void): Promise<RunReport> {
  const alike: Record<string, number> = {};
  let [sent, different] = [0, 0];
  await withProxies(async (port) => {
    const work = async (worker: number): Promise<void> => {
      const clients = createClients(port);
      while (sent < count) {
        const request = drawRequest(random, `${worker}.${sent++}`);
        const found = await clients.judged(request);
        if (typeof found === "string") alike[found] = (alike[found] ?? 0) + 1;
        else {
          different++;
          tell(found);
        }
      }
      clients.close();
    };
    await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
  });
  return { sent, alike, different };
}

type Answers = Readonly<Record<ProxyKind, RawAnswer>>;

/** Null: all took it alike, and no rule was evaded. */
export function judge(request: RawRequest, answers: Answers): Finding | null {
  const known = knownOf(request.bytes);
  const besides = known.flatMap(({ fields }) => fields ?? []);
  const whole = outcomesOf(answers, []);
  const evasions = PROXIES.flatMap((proxy) => {
    const told = toldBy(answers[proxy]);
    const evasion = told && evasionOf(told, proxy === "envoy" ? "perhaps taken off" : "as sent");
    return evasion === null ? [] : [`${proxy} lets a rule be evaded: ${evasion}`];
  });
  const isAlike = new Set(Object.values(whole)).size === 1;
  if (isAlike && evasions.length === 0) return null;
  const apart = new Set(known.flatMap((row) => row.apart));
  const compared = outcomesOf(answers, besides);
  const rest = new Set(PROXIES.filter((proxy) => !apart.has(proxy)).map((proxy) => compared[proxy]));
  const differs = rest.size > 1 ? ["they differ, and no row says so"] : [];
  const faults = [...evasions, ...differs];
  return {
    request,
    outcomes: whole,
    known: known.map(({ name }) => name),
    fault: faults.length === 0 ? null : faults.join("; "),
  };
}

function outcomesOf(answers: Answers, besides: readonly string[]): Record<ProxyKind, string> {
  const outcome = (proxy: ProxyKind): string => outcomeOf(answers[proxy], besides);
  return { envoy: outcome("envoy"), nginx: outcome("nginx"), haproxy: outcome("haproxy") };
}

/** Connections to each proxy from each address. */
function createClients(port: number) {
  const clients = new Map<string, Client>();
  const clientOf = (proxy: ProxyKind, source: string): Client => {
    const key = `${proxy} ${source}`;
    const client = clients.get(key) ?? createClient({ address: ADDRESSES[proxy], port }, source);
    clients.set(key, client);
    return client;
  };
  const ask = async ({ bytes, method, source, bends }: RawRequest): Promise<Answers> => {
    const one = (proxy: ProxyKind): Promise<RawAnswer> => clientOf(proxy, source).ask(bytes, method, bends.length > 0);
    const [envoy, nginx, haproxy] = await Promise.all([one("envoy"), one("nginx"), one("haproxy")]);
    return { envoy, nginx, haproxy };
  };
  /** The status where all took it alike. Who says nothing is asked once more: the machine may be busy. */
  const judged = async (request: RawRequest): Promise<Finding | string> => {
    const first = await ask(request);
    const isSilent = PROXIES.some((proxy) => first[proxy].status === "silent");
    const answers = isSilent && judge(request, first) !== null ? await ask(request) : first;
    return judge(request, answers) ?? String(answers.envoy.status);
  };
  const close = (): void => {
    for (const client of clients.values()) client.close();
  };
  return { judged, close };
}

/** With three proxies that have the model of gates, on one port. */
async function withProxies(work: (port: number) => Promise<void>): Promise<void> {
  const upstream = tellingUpstream();
  const running: RunningProxy[] = [];
  try {
    const upstreamPort = await listen(upstream, "127.0.0.1");
    const port = await freePort(Object.values(ADDRESSES));
    const { compiled, diagnostics } = compileDocument(gateModel(port, upstreamPort, ADDRESSES));
    if (compiled === null) throw new Error(JSON.stringify(diagnostics));
    for (const ir of compiled.fleets.values()) running.push(await startProxy(ir.proxy, renderFleet(ir), port));
    await work(port);
  } finally {
    for (const proxy of running) await proxy.stop();
    await close(upstream);
  }
}
