/** What the benches of HTTP/2 serve: an endpoint, and a model of the three proxies whose listeners speak it in cleartext. */
import type { Compiled } from "../../src/compiler/index.ts";
import { compileDocument } from "../../src/suite/modelFiles.ts";
import { ADDRESSES } from "../../src/suite/sameBehaviour/proxies.ts";
import { freePort } from "../../src/suite/sameBehaviour/wire.ts";
import { startEndpoint } from "./endpoint.ts";

const PROXIES = ["envoy", "nginx", "haproxy"] as const;

interface Served {
  readonly endpoint: Awaited<ReturnType<typeof startEndpoint>>;
  /** Of all proxies. */
  readonly port: number;
  readonly compiled: Compiled;
}

/** All requests for the host go to the endpoint, which the caller stops. */
export async function serveHttp2(host: string): Promise<Served> {
  const endpoint = await startEndpoint();
  const port = await freePort(Object.values(ADDRESSES));

  const { compiled, diagnostics } = compileDocument({
    fleets: PROXIES.map((proxy) => ({ name: proxy, proxy, bindAddress: ADDRESSES[proxy], process: { workers: 1 } })),
    listeners: [
      { name: "both", fleets: ["envoy", "haproxy"], port, protocol: "HTTP", http: { http2: true } },
      // One of them on a port: it is older than 1.25.1.
      { name: "only", fleets: ["nginx"], port, protocol: "HTTP", http: { http2: "only" } },
    ],
    clusters: [{ name: "one", endpoints: [{ address: "127.0.0.1", port: endpoint.port }] }],
    routes: [{ name: "all", listeners: ["both", "only"], hostnames: [host], rules: [{ split: [{ cluster: "one" }] }] }],
  });
  if (compiled === null) throw new Error(JSON.stringify(diagnostics));
  return { endpoint, port, compiled };
}
