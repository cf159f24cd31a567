/** The models that the bench loads: the shapes of `../shared/perf` in our words. */

export type Shape = "host" | "hosts";

/** Routes of one host share it in shape `host`; in `hosts` each hundred has a host of its own. */
const ROUTES_PER_HOST = 100;
/** The host that the probe asks for. */
export const PROBE_HOST = "x.example";

/** One background route. */
export function benchRoute(options: {
  readonly index: number;
  readonly path?: string;
  readonly shape: Shape;
}): { name: string } & Record<string, unknown> {
  const { index, path = `/p/${index}`, shape } = options;
  const hostname = shape === "host" ? PROBE_HOST : `h${Math.floor(index / ROUTES_PER_HOST)}.example`;
  return {
    name: `r${index}`,
    listeners: ["web"],
    hostnames: [hostname],
    rules: [{ matches: [{ path: { prefix: path } }], split: [{ cluster: "a" }] }],
  };
}

/** The route that is changed: `/new/N` goes to backend B. */
export function probeRoute(path: string): Record<string, unknown> {
  return {
    name: "new",
    listeners: ["web"],
    hostnames: [PROBE_HOST],
    rules: [{ matches: [{ path: { exact: path } }], split: [{ cluster: "b" }] }],
  };
}

/** Ports of the two backends of the probe. */
export const BACKENDS = { a: 24003, b: 24004 } as const;
/** Where Envoy listens in the served rows. */
export const LISTENER_PORT = 24010;

const FLEETS = ["envoy", "nginx", "haproxy"] as const;

/** A whole model with three fleets. */
export function benchModel(routes: number, shape: Shape): Record<string, object[]> {
  return {
    fleets: FLEETS.map((proxy) => ({ name: proxy, proxy, bindAddress: "127.0.0.1" })),
    listeners: [{ name: "web", fleets: [...FLEETS], port: LISTENER_PORT, protocol: "HTTP" }],
    clusters: [
      { name: "a", endpoints: [{ address: "127.0.0.1", port: BACKENDS.a }] },
      { name: "b", endpoints: [{ address: "127.0.0.1", port: BACKENDS.b }] },
    ],
    routes: [...Array.from({ length: routes }, (_, index) => benchRoute({ index, shape })), probeRoute("/new/none")],
  };
}

/** 1 000 clusters of which some move from endpoint A to B by weight. */
export function weightModel(clusters: number): Record<string, object[]> {
  const names = Array.from({ length: clusters }, (_, index) => `w${index}`);
  const base = benchModel(0, "host");
  return {
    ...base,
    clusters: [...(base.clusters ?? []), ...names.map((name) => weightCluster(name, "a"))],
    routes: names.map((name, index) => ({
      name,
      listeners: ["web"],
      hostnames: [PROBE_HOST],
      rules: [{ matches: [{ path: { exact: `/w/${index}` } }], split: [{ cluster: name }] }],
    })),
  };
}

/** A cluster whose whole weight lies on one of the two backends. */
export function weightCluster(name: string, on: "a" | "b"): { name: string } & Record<string, unknown> {
  const endpoint = (side: "a" | "b") => ({ address: "127.0.0.1", port: BACKENDS[side], weight: side === on ? 1 : 0 });
  return { name, endpoints: [endpoint("a"), endpoint("b")] };
}
