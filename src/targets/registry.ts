/** Every target, by the proxy that it writes for: a new proxy is one line here. Each is code that others do not wait for. */
import type { FleetIr, ProxyKind } from "../ir/index.ts";
import type { Judge, Target } from "./target.ts";

const LOADERS: Readonly<Record<ProxyKind, () => Promise<Target>>> = {
  envoy: async () => (await import("./envoy/index.ts")).envoyTarget,
  nginx: async () => (await import("./nginx/index.ts")).nginxTarget,
  haproxy: async () => (await import("./haproxy/index.ts")).haproxyTarget,
};

const JUDGES: Readonly<Record<ProxyKind, () => Promise<Judge>>> = {
  envoy: async () => (await import("./envoy/judge.ts")).envoyJudge,
  nginx: async () => (await import("./nginx/judge.ts")).nginxJudge,
  haproxy: async () => (await import("./haproxy/judge.ts")).haproxyJudge,
};

/** All that there are, in the order in which people are told of them. */
export const PROXY_KINDS = Object.keys(LOADERS) as readonly ProxyKind[];

/** The targets that were loaded. */
export interface Targets {
  /** The one that writes for a proxy. Throws when it was not loaded. */
  readonly get: (proxy: ProxyKind) => Target;
  /**
   * Those whose output together is what a fleet gets: the one of its proxy, and of each program that runs beside it (as one that
   * holds the fleet's addresses). No two of them give a file of the same path.
   */
  readonly targetsOf: (fleet: Pick<FleetIr, "proxy">) => readonly Target[];
}

/** Loads the targets of these proxies; default: all. */
export function loadTargets(proxies: Iterable<ProxyKind> = PROXY_KINDS): Promise<Targets> {
  return load(proxies, (proxy) => LOADERS[proxy]());
}

/**
 * The same for who asks what proxies can do, and nothing else: what renders is not loaded, which takes longer than all the rest of such a
 * command. To render with them is a defect, and throws.
 */
export function loadJudges(proxies: Iterable<ProxyKind> = PROXY_KINDS): Promise<Targets> {
  return load(proxies, async (proxy) => ({ ...(await JUDGES[proxy]()), ...RENDERS_NOTHING }));
}

const notLoaded = (): never => {
  throw new Error("these targets were loaded to judge only");
};
const RENDERS_NOTHING = {
  createRenderer: notLoaded,
  inFiles: notLoaded,
  effect: notLoaded,
  rebind: notLoaded,
  takeOut: notLoaded,
  check: notLoaded,
};

async function load(proxies: Iterable<ProxyKind>, one: (proxy: ProxyKind) => Promise<Target>): Promise<Targets> {
  const wanted = [...new Set(proxies)];
  const loaded = new Map(await Promise.all(wanted.map(async (proxy) => [proxy, await one(proxy)] as const)));
  const get = (proxy: ProxyKind): Target => {
    const target = loaded.get(proxy);
    if (target === undefined) throw new Error(`the target of ${proxy} was not loaded`);
    return target;
  };
  return { get, targetsOf: ({ proxy }) => [get(proxy)] };
}
