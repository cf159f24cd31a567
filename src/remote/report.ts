/** What the control plane is told of a proxy, within its bounds (docs/reference/openapi.json, `ProxyReport`). */
import type { LocalReport } from "../agent/index.ts";
import type { Client } from "./client.ts";
import { refusalOf } from "./source.ts";

/** Characters, endpoints and listeners that the API takes. */
const MAX_ERROR = 4_000;
const MAX_REASON = 1_000;
const MAX_ENDPOINTS = 1_000;
const MAX_LISTENERS = 10_000;
const MAX_LEAVING = 100;
const MAX_VERSION = 64;

/** Whose report it is. */
export interface Reporter {
  readonly fleet: string;
  readonly node: string;
  /** Of this process. */
  readonly run: string;
  readonly agentVersion: string;
  readonly ttlSeconds: number;
}

/** How the proxy is, and of which revision what it serves was. */
export interface Told {
  readonly report: LocalReport;
  readonly revision: number | null;
}

/** Rejects with one sentence when it is not taken. */
export async function sendReport(
  client: Pick<Client, "send">,
  reporter: Reporter,
  { told, signal }: { readonly told: Told; readonly signal: AbortSignal },
): Promise<void> {
  const { run, agentVersion, ttlSeconds } = reporter;
  const body = { run, agentVersion, ttlSeconds, ...bounded(told) };
  const answer = await client.send({ method: "PUT", path: pathOf(reporter), body, signal });
  if (answer.status !== 200) throw refusalOf(answer);
}

/** So long an end waits for being told. */
const LEAVE_MS = 2_000;

/** Says that the proxy has ended; when nobody hears it, its reports run out. */
export async function sendLeave(client: Pick<Client, "send">, reporter: Reporter): Promise<void> {
  const path = `${pathOf(reporter)}?run=${reporter.run}`;
  await client.send({ method: "DELETE", path, signal: AbortSignal.timeout(LEAVE_MS) }).catch(() => undefined);
}

function pathOf({ fleet, node }: Reporter): string {
  return `/v1/fleets/${fleet}/proxies/${node}`;
}

function bounded({ report, revision }: Told): object {
  const { leaving, listeners, endpointsDown, lastError, version } = report;
  return {
    ...report,
    revision,
    version: version.slice(0, MAX_VERSION),
    lastError: lastError?.slice(0, MAX_ERROR) ?? null,
    leaving: { ...leaving, endpoints: leaving.endpoints.slice(0, MAX_LEAVING) },
    listeners: listeners.slice(0, MAX_LISTENERS).map(short),
    endpointsDown: endpointsDown?.slice(0, MAX_ENDPOINTS).map(short) ?? null,
  };
}

function short<T extends { readonly reason: string | null }>(told: T): T {
  return { ...told, reason: told.reason?.slice(0, MAX_REASON) ?? null };
}
