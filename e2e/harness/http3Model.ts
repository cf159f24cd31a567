/** What the cases of HTTP/3 serve, and clients of it on one proxy or another. */
import { join } from "node:path";
import { loggingFleets } from "./accessLog.ts";
import { e2e, proxyAddresses } from "./context.ts";
import { type Answered, type Asked, type Hello, type Http3Client, type Shaken, startHttp3Client } from "./http3.ts";
import { cluster, type Document, type ModelPart } from "./model.ts";
import { newerAddresses, newerFleet } from "./newer.ts";
import { freePort } from "./ports.ts";
import { connectionOn, type RawRequest } from "./rawHttp.ts";
import { certificateMaker, type Maker, shake } from "./tls.ts";
import { startEcho } from "./upstream.ts";

/** A proxy that speaks it. */
export interface Http3Place {
  readonly fleet: string;
  readonly address: string;
}

export const http3Places = {
  envoy: { fleet: "envoy", address: proxyAddresses.envoy },
  nginx: { fleet: newerFleet("nginx"), address: newerAddresses.nginx },
  haproxy: { fleet: newerFleet("haproxy"), address: newerAddresses.haproxy },
} as const satisfies Readonly<Record<string, Http3Place>>;

/** `quick` has short limits, and clients come by another port. */
const PORTS = ["main", "quick", "first", "spare"] as const;
export type PortName = (typeof PORTS)[number];
/** Of `quick`. */
export const TOLD = 443;
/** For a handshake that there should not be; others take a hundredth of it. */
export const PATIENCE_SECONDS = 2;
/** Whom clients ask for. */
export const HOST = "a.h3.example";

/** Of the log. */
export const LOG_FIELDS = ["protocol", "path", "client_address", "tls_version", "tls_server_name"];

/** Clients on one proxy. */
export interface Http3Clients {
  /** `name`: what the client asks for. */
  readonly open: (port: PortName, name: string | null, more?: Partial<Hello>) => Promise<Shaken | null>;
  /** A connection of its own. */
  readonly opened: (port: PortName, more?: Pick<Hello, "from">) => Promise<string>;
  readonly get: (connection: string, path: string, more?: Partial<Asked>) => Promise<Answered>;
  /** One request over TCP. */
  readonly overTcp: (port: PortName, request: RawRequest) => ReturnType<ReturnType<typeof connectionOn>["request"]>;
}

export interface Http3Fixture {
  readonly maker: Maker;
  readonly client: Http3Client;
  readonly ports: Readonly<Record<PortName, number>>;
  /** `main`: what the listeners of this port say besides. */
  readonly model: (main: object, more?: ModelPart) => ModelPart;
  readonly on: (place: Http3Place) => Http3Clients;
  readonly close: () => Promise<void>;
}

/** An endpoint, certificates, a client, and ports that are free on all of the places. */
export async function startHttp3(places: readonly Http3Place[]): Promise<Http3Fixture> {
  const echo = await startEcho("inside");
  const maker = certificateMaker(join(e2e().workDir, `http3-${echo.port}`));
  const client = startHttp3Client();
  const ports = {} as Record<PortName, number>;
  for (const name of PORTS) ports[name] = await freePort(...places.map(({ address }) => address));
  const certificates = new Map<string, Document>();
  const certificate = (name: string, names: string): Document => {
    const made = certificates.get(name) ?? { name, ...maker.make(name, { names }) };
    certificates.set(name, made);
    return made;
  };
  const fleets = places.map(({ fleet }) => fleet);
  return {
    maker,
    client,
    ports,
    model: (main, more = {}) => {
      const documents = modelOf({ fleets, ports, main, endpoint: echo.port });
      const made = [
        certificate("wide", "DNS:*.h3.example,DNS:h3.example"),
        certificate("exact", "DNS:exact.h3.example"),
        certificate("other", "DNS:other.h3.example"),
      ];
      return {
        ...documents,
        certificates: made,
        clusters: [...documents.clusters, ...(more.clusters ?? [])],
        listeners: [...documents.listeners, ...(more.listeners ?? [])],
        routes: [...documents.routes, ...(more.routes ?? [])],
      };
    },
    on: (place) => clientsOn(place, client, ports),
    close: async () => {
      await client.close();
      await echo.close();
    },
  };
}

interface Served {
  readonly fleets: readonly string[];
  readonly ports: Readonly<Record<PortName, number>>;
  readonly main: object;
  readonly endpoint: number;
}

function modelOf({ fleets, ports, main, endpoint }: Served) {
  const on = (port: PortName, more: Partial<Document>): Document => {
    const http = { http3: true, ...more.http };
    return { name: port, fleets: [...fleets], port: ports[port], protocol: "HTTPS", ...more, http };
  };
  const wide = { certificates: ["wide"] };
  const seconds = { headersTimeout: "1s", bodyTimeout: "1s", sendTimeout: "1s", keepAliveTimeout: "1s" };
  const respond = (prefix: string, more: object = {}): object => {
    return { matches: [{ path: { prefix } }], respond: { status: 200, body: prefix.slice(1) }, ...more };
  };
  return {
    fleets: loggingFleets({ fields: LOG_FIELDS }),
    listeners: [
      on("main", { name: "main", hostname: "*.h3.example", tls: wide, http: main }),
      on("main", { name: "main-exact", hostname: "exact.h3.example", tls: { certificates: ["exact"] }, http: main }),
      // Its certificate is for none of its names, and the one of `main` would be.
      on("main", { name: "main-hole", hostname: "hole.h3.example", tls: { certificates: ["other"] }, http: main }),
      on("quick", { tls: wide, http: { ...seconds, http3Port: TOLD } }),
      on("first", { tls: { certificates: ["other", "exact"], unknownServerName: "first" } }),
    ],
    clusters: [cluster("inside", endpoint)],
    routes: [
      {
        name: "inside",
        listeners: ["main", "main-exact", "main-hole", "quick", "first"],
        rules: [
          { ...respond("/near"), matches: [{ path: { prefix: "/near" }, source: ["127.0.0.5"] }] },
          respond("/said"),
          respond("/clear", { responseHeaders: { set: [{ name: "Alt-Svc", value: "clear" }] } }),
          respond("/gone", { responseHeaders: { remove: ["Alt-Svc"] } }),
          { matches: [{ path: { prefix: "/moved" } }], redirect: { path: { full: "/new" }, status: 302 } },
          { split: [{ cluster: "inside" }], timeouts: { idle: "1s" } },
        ],
      },
    ],
  } satisfies ModelPart;
}

let connections = 0;

function clientsOn({ address }: Http3Place, client: Http3Client, ports: Http3Fixture["ports"]): Http3Clients {
  const open: Http3Clients["open"] = (port, serverName, more = {}) =>
    client.open({ address, port: ports[port], connection: `${port} ${++connections}`, serverName, ...more });
  return {
    open,
    opened: async (port, more = {}) => {
      const connection = `opened ${++connections}`;
      if ((await open(port, HOST, { connection, ...more })) === null) throw new Error("no handshake");
      return connection;
    },
    get: (connection, path, more = {}) => client.ask(connection, { authority: HOST, path, ...more }),
    overTcp: async (port, request) => {
      const done = await shake({ address, port: ports[port], serverName: HOST });
      if (done === null) throw new Error("no handshake");
      try {
        return await connectionOn(done.socket).request({ host: HOST, ...request });
      } finally {
        done.socket.destroy();
      }
    },
  };
}
