/** A proxy that speaks HTTP/3 in a case: its listeners, what they say, and clients of them. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { e2e } from "./context.ts";
import { type Answered, type Asked, type Hello, type Http3Client, type Shaken, startHttp3Client } from "./http3.ts";
import { cluster, type Document, type ModelPart } from "./model.ts";
import { freePort } from "./ports.ts";
import { until } from "./process.ts";
import { connectionOn, type RawRequest, type RawResponse } from "./rawHttp.ts";
import { certificateMaker, type Maker, shake } from "./tls.ts";
import { startEcho, type Upstream } from "./upstream.ts";

/** `quick` has short limits, and clients come by another port; of `taken` somebody else has the UDP port. */
const PORTS = ["main", "quick", "first", "taken"] as const;
export type PortName = (typeof PORTS)[number];
/** Where clients of `quick` are told to come. */
export const TOLD = 443;
/** For a handshake that there should not be; others take a hundredth of it. */
export const PATIENCE_SECONDS = 2;
/** Of `main`. */
export const HOST = "a.h3.example";

/** Who it is. */
export interface Http3Place {
  readonly fleet: string;
  readonly address: string;
  /** All fleets, that one among them. */
  readonly fleets: () => Document[];
  /** Puts a model into the program, and waits until the proxy has it. */
  readonly serve: (part: ModelPart) => Promise<unknown>;
}

export interface Http3Site {
  readonly place: Http3Place;
  readonly client: Http3Client;
  readonly ports: Readonly<Record<PortName, number>>;
  /** Serves the model; `main`: what the listeners of this port say of `http` besides, `more`: listeners beside them. */
  readonly serve: (main?: object, more?: readonly Document[]) => Promise<void>;
  /** Named by its CN. */
  readonly certificate: (name: string, names: string) => Document;
  /** Of the names of `main`, with another CN. */
  readonly renewed: (name: string) => Pick<Document, "chain" | "privateKey">;
  readonly open: (port: PortName | number, name: string | null, more?: Partial<Hello>) => Promise<Shaken | null>;
  /** A connection of its own, for `HOST`. */
  readonly opened: (port: PortName | number, more?: Partial<Hello>) => Promise<string>;
  readonly get: (connection: string, path: string, more?: Partial<Asked>) => Promise<Answered>;
  /** One request over TCP. */
  readonly overTcp: (port: PortName | number, request: RawRequest) => Promise<RawResponse>;
  readonly close: () => Promise<void>;
}

const MAIN_NAMES = "DNS:*.h3.example,DNS:h3.example";

/** Serves HTTP/3 there. */
export async function openHttp3Site(place: Http3Place): Promise<Http3Site> {
  const { address } = place;
  const echo = await startEcho("inside");
  const maker = certificateMaker(join(e2e().workDir, `http3-${place.fleet}`));
  const client = startHttp3Client();
  const ports: Record<string, number> = {};
  for (const name of PORTS) ports[name] = await freePort(address);
  const squatter = createSocket("udp4").bind(ports.taken as number, address);
  await once(squatter, "listening");
  const certificate = certificatesOf(maker);
  const made = { place, certificate, ports: ports as Record<PortName, number>, echo };
  const site: Http3Site = {
    ...made,
    client,
    ...clientOf(client, made),
    renewed: (name) => maker.make(name, { names: MAIN_NAMES }),
    serve: async (main = {}, more = []) => {
      const model = modelOf(made, main);
      await place.serve({ ...model, listeners: [...(model.listeners ?? []), ...more] });
    },
    close: async () => {
      squatter.close();
      await client.close();
      await echo.close();
    },
  };
  await site.serve();
  await until("it speaks HTTP/3", async () => (await site.open("first", "other.h3.example")) !== null);
  return site;
}

function certificatesOf(maker: Maker): Http3Site["certificate"] {
  const known = new Map<string, Document>();
  return (name, names) => {
    const found = known.get(name) ?? { name, ...maker.make(name, { names }) };
    known.set(name, found);
    return found;
  };
}

type Made = Pick<Http3Site, "place" | "certificate" | "ports"> & { readonly echo: Upstream };

function clientOf(client: Http3Client, { place, ports }: Made) {
  const { address } = place;
  const portOf = (port: PortName | number): number => (typeof port === "number" ? port : ports[port]);
  let connections = 0;
  const open: Http3Site["open"] = (port, serverName, more = {}) => {
    connections += 1;
    return client.open({ address, port: portOf(port), connection: `${port} ${connections}`, serverName, ...more });
  };
  const opened: Http3Site["opened"] = async (port, more = {}) => {
    connections += 1;
    const connection = `opened ${connections}`;
    if ((await open(port, HOST, { connection, ...more })) === null) throw new Error("no handshake");
    return connection;
  };
  const get: Http3Site["get"] = (connection, path, more = {}) =>
    client.ask(connection, { authority: HOST, path, ...more });
  const overTcp: Http3Site["overTcp"] = async (port, request) => {
    const done = await shake({ address, port: portOf(port), serverName: HOST });
    if (done === null) throw new Error("no handshake");
    try {
      return await connectionOn(done.socket).request({ host: HOST, ...request });
    } finally {
      done.socket.destroy();
    }
  };
  return { open, opened, get, overTcp };
}

function modelOf({ place, certificate, ports, echo }: Made, main: object): ModelPart {
  const { fleet } = place;
  const on = (port: PortName, more: Partial<Document>): Document => {
    const http = { http3: true, ...more.http };
    return { name: port, fleets: [fleet], port: ports[port], protocol: "HTTPS", ...more, http };
  };
  const wide = { certificates: ["wide"] };
  const seconds = { headersTimeout: "1s", bodyTimeout: "1s", sendTimeout: "1s", keepAliveTimeout: "1s" };
  const respond = (prefix: string, more: object = {}): object => {
    return { matches: [{ path: { prefix } }], respond: { status: 200, body: prefix.slice(1) }, ...more };
  };
  return {
    fleets: place.fleets(),
    certificates: [
      certificate("wide", MAIN_NAMES),
      certificate("exact", "DNS:exact.h3.example"),
      certificate("other", "DNS:other.h3.example"),
    ],
    listeners: [
      on("main", { name: "main", hostname: "*.h3.example", tls: wide, http: main }),
      on("main", { name: "main-exact", hostname: "exact.h3.example", tls: { certificates: ["exact"] }, http: main }),
      // Its certificate is for none of its names, and the one of `main` would be.
      on("main", { name: "main-hole", hostname: "hole.h3.example", tls: { certificates: ["other"] }, http: main }),
      {
        ...{ name: "main-passed", fleets: [fleet], port: ports.main, protocol: "TLS" },
        ...{ hostname: "passed.h3.example", tls: { mode: "passthrough" } },
      },
      on("quick", { tls: wide, http: { ...seconds, http3Port: TOLD } }),
      on("first", { tls: { certificates: ["other", "exact"], unknownServerName: "first" } }),
      on("taken", { tls: wide }),
    ],
    clusters: [cluster("inside", echo.port), cluster("nobody", e2e().upstreams.dead as number)],
    routes: [
      {
        name: "inside",
        listeners: ["main", "main-exact", "main-hole", "quick", "first", "taken"],
        rules: [
          { ...respond("/near"), matches: [{ path: { prefix: "/near" }, source: ["127.0.0.5"] }] },
          respond("/said"),
          respond("/clear", { responseHeaders: { set: [{ name: "Alt-Svc", value: "clear" }] } }),
          respond("/gone", { responseHeaders: { remove: ["Alt-Svc"] } }),
          { matches: [{ path: { prefix: "/moved" } }], redirect: { path: { full: "/new" }, status: 302 } },
          {
            matches: [{ path: { prefix: "/cleared" } }],
            split: [{ cluster: "inside" }],
            responseHeaders: { set: [{ name: "Alt-Svc", value: "clear" }] },
          },
          { matches: [{ path: { prefix: "/nobody" } }], split: [{ cluster: "nobody" }] },
          { split: [{ cluster: "inside" }], timeouts: { idle: "1s" } },
        ],
      },
      { name: "passed", listeners: ["main-passed"], protocol: "tls", rules: [{ split: [{ cluster: "inside" }] }] },
    ],
  };
}
