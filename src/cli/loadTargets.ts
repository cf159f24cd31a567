/** The targets that a model needs. Each is code that others do not wait for. */
import type { ProxyKind } from "../ir/index.ts";
import type { Target } from "../targets/target.ts";

const LOADERS: Readonly<Record<ProxyKind, () => Promise<Target>>> = {
  envoy: async () => (await import("../targets/envoy/index.ts")).envoyTarget,
  nginx: async () => (await import("../targets/nginx/index.ts")).nginxTarget,
  haproxy: async () => (await import("../targets/haproxy/index.ts")).haproxyTarget,
};

/** The targets of these proxies. */
export async function loadTargets(proxies: Iterable<ProxyKind>): Promise<ReadonlyMap<ProxyKind, Target>> {
  const wanted = [...new Set(proxies)];
  return new Map(await Promise.all(wanted.map(async (proxy) => [proxy, await LOADERS[proxy]()] as const)));
}
