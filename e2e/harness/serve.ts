/** Puts a model into the program and waits until every proxy serves it; asks the proxies. */
import { randomUUID } from "node:crypto";
import type { RunningProxy } from "../proxies/adapter.ts";
import { adapters } from "../proxies/index.ts";
import { type ApiAnswer, must } from "./api.ts";
import { type E2eContext, e2e, type ProxyName, proxyNames } from "./context.ts";
import { base, type ModelPart, markerHost, markerRoute, merge, scenario } from "./model.ts";
import { until } from "./process.ts";
import type { Program } from "./program.ts";
import { connectTo, type RawRequest, type RawResponse, send } from "./rawHttp.ts";
import type { Echo } from "./upstream.ts";

/** So many new connections in a row must see the new model: both workers of a reloaded proxy are then in place. */
const MARKER_STREAK = 5;

/**
 * Makes base + part the whole configuration (`PUT /v1/config`, whoever owns what is there), reloads the file proxies, and resolves
 * when all three serve it. Gives the program's answer.
 */
export async function serve(part: ModelPart): Promise<ApiAnswer> {
  const { program, ports } = e2e();
  const marker = randomUUID();
  // Cases before may have left what somebody owns.
  const answer = await must(program.api, "PUT /v1/config?force=true", { body: merge(base(ports, marker), part) });
  await syncAll(e2e(), marker);
  return answer;
}

/** Serves the scenario model. */
export async function serveScenario(): Promise<void> {
  const { ports, upstreams } = e2e();
  await serve(scenario({ ports, upstreams, deadPort: deadPort() }));
}

/** Merges the part into what is there (`POST /v1/config/apply`) and waits as `serve` does. */
export async function applyPart(part: ModelPart): Promise<ApiAnswer> {
  const marker = randomUUID();
  const body = merge(part, { routes: [markerRoute(marker)] });
  const answer = await must(e2e().program.api, "POST /v1/config/apply", { body });
  await syncAll(e2e(), marker);
  return answer;
}

/** Reloads the file proxies and waits until all three serve the model with this marker. */
export async function syncAll(context: E2eContext, marker: string): Promise<void> {
  await Promise.all(
    proxyNames.map(async (name) => {
      await adapters[name].sync(context.proxies[name], context.program);
      await untilServes(context.proxies[name], context.ports.http, marker);
    }),
  );
}

/** After a change by other means than `serve` (a PUT, say): lets the file proxies take the newest files. */
export async function reloadFileProxies(): Promise<void> {
  const { program, proxies } = e2e();
  const file = proxyNames.filter((name) => !adapters[name].live);
  await Promise.all(file.map((name) => adapters[name].sync(proxies[name], program)));
}

/** Resolves when the proxy answers with the marker on several new connections in a row. */
export async function untilServes(proxy: RunningProxy, port: number, marker: string): Promise<void> {
  let streak = 0;
  let last = "";
  await until(`${proxy.kind} serves the new model`, async () => {
    const answer = await send({ address: proxy.address, port }, { path: "/", host: markerHost });
    last = `${answer.status} ${answer.body}`;
    streak = answer.body === marker ? streak + 1 : 0;
    if (streak >= MARKER_STREAK) return true;
    if (streak === 0) throw new Error(`answers ${last}`);
    return null;
  });
}

/** A port on which nothing listens (the setup chose it and leaves it alone). */
export function deadPort(): number {
  return e2e().upstreams.dead!;
}

export interface ProxyAnswer extends RawResponse {
  /** What the upstream received; null when the answer is not an echo. */
  readonly echo: Echo | null;
}

/** One request to one proxy; `port` defaults to the scenario's HTTP port. */
export async function ask(proxy: ProxyName, request: RawRequest & { readonly port?: number }): Promise<ProxyAnswer> {
  const { proxies, ports } = e2e();
  const answer = await send({ address: proxies[proxy].address, port: request.port ?? ports.http }, request);
  return { ...answer, echo: echoOf(answer) };
}

/** The upstream's JSON in an answer, or null. */
export function echoOf(answer: RawResponse): Echo | null {
  try {
    const value = JSON.parse(answer.body);
    return typeof value === "object" && value !== null && Array.isArray(value.headers) ? value : null;
  } catch {
    return null;
  }
}

/** Values of a field as the upstream received them: lines joined and split again, because one line `a, b` equals two lines. */
export function receivedList(echo: Echo | null, name: string): string[] {
  const lines = (echo?.headers ?? []).filter(([key]) => key.toLowerCase() === name.toLowerCase());
  return lines.flatMap(([, value]) => value.split(",")).map((value) => value.trim());
}

export type { Program };

/** What a connection to the proxy's TCP listener begins with; empty: it was closed. */
export async function greetingOf(proxy: ProxyName): Promise<string> {
  const socket = await connectTo({ address: e2e().proxies[proxy].address, port: e2e().ports.tcp });
  return new Promise((resolve) => {
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) socket.destroy();
    });
    socket.on("close", () => resolve(text.trim()));
  });
}
