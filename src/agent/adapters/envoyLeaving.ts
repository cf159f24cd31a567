/** Which endpoints of a running Envoy get nothing new but still have requests or TCP connections, by its admin address. */
import { get, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import type { Leaving } from "../types.ts";

/** `cluster::address::name::value`; no name of a cluster has a colon. */
const LINE = /^[^:]+::(.+)::(rq_active|health_flags)::(.*)$/;

/** Of an endpoint that is drained, and of one that is down, as EDS says; not of one that fails its check. */
const OUT = ["/eds_status_draining", "/failed_eds_health"];

/** `address`: null: it is not known yet. Null: no answer. An endpoint that left the list is not told of any more. */
export async function envoyLeaving(address: string | null, timeoutMs: number): Promise<Leaving | null> {
  if (address === null) return null;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await endpointsIn(await asked(address, signal));
  } catch {
    return null;
  }
}

function asked(address: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(`http://${address}/clusters`, { agent: false, signal }, resolve).on("error", reject);
  });
}

/** Line by line: of a large fleet it is megabytes. */
async function endpointsIn(answer: IncomingMessage): Promise<Leaving | null> {
  const found = new Map<string, number>();
  let active = 0;
  for await (const line of createInterface({ input: answer })) {
    const [, endpoint = "", name, value = ""] = LINE.exec(line) ?? [];
    // Requests under way are told of each endpoint before its flags; a TCP connection counts as one.
    if (name === "rq_active") active = Number(value);
    if (name !== "health_flags" || active === 0 || !OUT.some((flag) => value.includes(flag))) continue;
    found.set(endpoint, (found.get(endpoint) ?? 0) + active);
  }
  if (answer.statusCode !== 200 || !answer.complete) return null;
  return { processes: 0, endpoints: Array.from(found, ([endpoint, connections]) => ({ endpoint, connections })) };
}
