/** One model with every combination of limits that situations ask for, on the three real proxies. */
import type { ProxyKind } from "../../ir/index.ts";
import { compileDocument, renderFleet } from "../modelFiles.ts";
import { ADDRESSES, type RunningProxy, startProxy } from "../sameBehaviour/proxies.ts";
import { freePort } from "../sameBehaviour/wire.ts";
import { type Backend, startBackend } from "./backend.ts";
import { startFull } from "./full.ts";
import { type Limit, LONG_MS, SHORT_MS, type Situation } from "./situation.ts";

/** In the order of the table. */
export const KINDS: readonly ProxyKind[] = ["envoy", "nginx", "haproxy"];

const CLIENT_LIMITS = ["headersTimeout", "bodyTimeout", "sendTimeout", "keepAliveTimeout"] as const;
const RULE_LIMITS = ["request", "idle"] as const;

/** Proxies that run. */
export interface Stand {
  readonly backend: Backend;
  /** Where a situation's request goes, and the begin of its path. */
  readonly placeOf: (situation: Situation, proxy: ProxyKind) => { address: string; port: number; prefix: string };
  readonly stop: () => Promise<void>;
}

/** Starts all. */
export async function startStand(situations: readonly Situation[]): Promise<Stand> {
  const backend = await startBackend();
  const full = await startFull();
  const listenerOf = (situation: Situation): string => partOfName(situation, CLIENT_LIMITS, "l");
  const ruleOf = (situation: Situation): string => partOfName(situation, [...RULE_LIMITS, "connect"], "r");
  const listeners = new Map<string, { port: number; http: object }>();
  const rules = new Map<string, object>();
  for (const situation of situations) {
    const listener = listenerOf(situation);
    if (!listeners.has(listener)) {
      const port = await freePort(Object.values(ADDRESSES));
      listeners.set(listener, { port, http: limitsOf(situation, CLIENT_LIMITS) });
    }
    const rule = ruleOf(situation);
    const { idle, request } = limitsOf(situation, RULE_LIMITS);
    rules.set(rule, {
      name: rule,
      matches: [{ path: { prefix: `/${rule}` } }],
      split: [{ cluster: situation.short.length === 1 && situation.short[0] === "connect" ? "full" : "backend" }],
      timeouts: { idle, ...(situation.short.includes("request") ? { request } : {}) },
    });
  }
  const { compiled, diagnostics } = compileDocument({
    fleets: KINDS.map((proxy) => ({ name: proxy, proxy, bindAddress: ADDRESSES[proxy] })),
    listeners: [...listeners].map(([name, { port, http }]) => ({ name, fleets: KINDS, port, protocol: "HTTP", http })),
    clusters: [
      { name: "backend", endpoints: [{ address: "127.0.0.1", port: backend.port }] },
      { name: "full", endpoints: [{ address: "127.0.0.1", port: full.port }], timeouts: { connect: `${SHORT_MS}ms` } },
    ],
    routes: [{ name: "t", listeners: [...listeners.keys()], hostnames: ["t.test"], rules: [...rules.values()] }],
  });
  if (compiled === null) throw new Error(JSON.stringify(diagnostics));
  const running: RunningProxy[] = [];
  const [first] = listeners.values();
  for (const ir of compiled.fleets.values())
    running.push(await startProxy(ir.proxy, renderFleet(ir), first?.port ?? 0));
  return {
    backend,
    placeOf: (situation, proxy) => {
      const port = listeners.get(listenerOf(situation))?.port ?? 0;
      return { address: ADDRESSES[proxy], port, prefix: `/${ruleOf(situation)}` };
    },
    stop: async () => {
      for (const proxy of running) await proxy.stop();
      full.stop();
      await backend.stop();
    },
  };
}

function partOfName({ short }: Situation, limits: readonly Limit[], start: string): string {
  const own = limits
    .filter((limit) => short.includes(limit))
    .map((limit) => limit.toLowerCase().replace("timeout", ""));
  return [start, ...own].join("-");
}

function limitsOf<Name extends Limit>({ short }: Situation, limits: readonly Name[]): Record<Name, string> {
  const entries = limits.map((limit) => [limit, `${short.includes(limit) ? SHORT_MS : LONG_MS}ms`]);
  return Object.fromEntries(entries) as Record<Name, string>;
}
