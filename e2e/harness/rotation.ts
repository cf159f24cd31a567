/**
 * A certificate that is replaced under load: `trimtab dev` with the three real proxies, which show it to clients and to the endpoint;
 * kept and fresh connections of HTTP/1.1 and HTTP/2 to each; which handshakes and requests failed, how soon the new certificate was
 * shown, and what the proxies did to take it.
 */
import { X509Certificate } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { must } from "./api.ts";
import { freePort } from "./ports.ts";
import { type Child, startChild, stopChild, until } from "./process.ts";
import { programEntry } from "./program.ts";
import { certificateMaker, type Made } from "./tls.ts";
import { shakeHands, type TlsClient, type TlsPlace, type TlsRequests, tlsLoad } from "./tlsLoad.ts";

export const rotatingProxies = ["envoy", "nginx", "haproxy"] as const;
export type RotatingProxy = (typeof rotatingProxies)[number];

/** Where they listen; of these runs only. */
const ADDRESSES: Readonly<Record<RotatingProxy, string>> = {
  envoy: "127.0.0.54",
  nginx: "127.0.0.55",
  haproxy: "127.0.0.56",
};
const NAME = "rotating.example";
const ENDPOINT = "endpoint.example";
/** nginx waits for two seconds between reloads; a busy machine. */
const SETTLE_MS = 60_000;
/** Between two looks at what is shown. */
const LOOK_MS = 5;
/** So long clients go on after the last change: old workers end their connections meanwhile. */
const AFTER_MS = 1_000;

export const clients: readonly TlsClient[] = [
  { protocol: "http/1.1", isKept: true },
  { protocol: "http/1.1", isKept: false },
  { protocol: "h2", isKept: true },
  { protocol: "h2", isKept: false },
];

/** What became of one client's requests. */
export interface RotationRow extends TlsClient, TlsRequests {
  readonly proxy: RotatingProxy;
}

/** What came of the changes. */
export interface Rotation {
  readonly rows: readonly RotationRow[];
  /** From the PUT to the first handshake with the new certificate, of each change, in ms. */
  readonly shownAfter: Readonly<Record<RotatingProxy, readonly number[]>>;
  readonly nginx: Taken;
  readonly haproxy: Taken;
  /** How many different certificates the endpoint was shown. */
  readonly shownToEndpoint: number;
  /** Of Envoy's listener manager, by the name of the counter: how much they grew. */
  readonly envoyListeners: Readonly<Record<string, number>>;
}

/** As the proxies' agents count. */
export interface Taken {
  readonly reloads: number;
  readonly runtimeChanges: number;
}

export interface RotationRun {
  /** So many changes, each of them awaited on every proxy. */
  measure(changes: number): Promise<Rotation>;
  close(): Promise<void>;
}

/** `folder` is for data, certificates and the log. `changes`: how many there may be. */
export async function startRotation(folder: string, changes: number): Promise<RotationRun> {
  const maker = certificateMaker(join(folder, "certificates"));
  // Another kind of key each third time: what a proxy keeps by the kind must go with the old certificate.
  const made = Array.from({ length: changes + 1 }, (_, index) =>
    maker.make(`rotating-${index}`, { names: `DNS:${NAME}`, key: index % 3 === 2 ? "rsa" : "ecdsa" }),
  );
  const upstream = await startUpstream(maker.make("endpoint", { names: `DNS:${ENDPOINT}` }), maker.authority);
  const port = await freePort(...Object.values(ADDRESSES));
  const [http, xds] = [await freePort(), await freePort()];
  const file = join(folder, "rotation.json");
  const data = join(folder, "data");
  await mkdir(data, { recursive: true });
  await writeFile(file, JSON.stringify({ fleets: fleets() }));
  const sockets = ["--http", `127.0.0.1:${http}`, "--xds", `127.0.0.1:${xds}`, "--data", data];
  const child: Child = startChild(process.execPath, [programEntry(), "dev", file, ...sockets], {
    logFile: join(folder, "dev.log"),
  });
  const api = `http://127.0.0.1:${http}`;
  const admin = join(data, `127.0.0.1-${http}`, "run", "envoy", "admin-address");
  const places = Object.fromEntries(
    rotatingProxies.map((proxy) => {
      const place: TlsPlace = { host: ADDRESSES[proxy], port, serverName: NAME, authority: maker.authority };
      return [proxy, place];
    }),
  ) as Readonly<Record<RotatingProxy, TlsPlace>>;
  const close = async (): Promise<void> => {
    await stopChild(child);
    upstream.server.closeAllConnections();
    upstream.server.close();
  };
  try {
    await until("the API answers", async () => ((await fetch(`${api}/readyz`)).ok ? true : null), {
      timeoutMs: SETTLE_MS,
    });
    const ports = { port, upstream: upstream.port };
    await must(api, "POST /v1/config/apply", { body: model(ports, made[0] as Made, maker.authority) });
    for (const proxy of rotatingProxies) await shows(places[proxy], made[0] as Made);
  } catch (error) {
    await close();
    throw error;
  }
  let next = 1;
  return {
    close,
    async measure(count) {
      const before = await takenBy(api);
      const listeners = await listenerCounters(admin);
      const loads = rotatingProxies.flatMap((proxy) =>
        clients.map((client) => ({ proxy, client, load: tlsLoad(places[proxy], client) })),
      );
      const shownAfter: Record<RotatingProxy, number[]> = { envoy: [], nginx: [], haproxy: [] };
      for (let index = 0; index < count; index++) {
        const certificate = made[next++] as Made;
        const since = performance.now();
        const put = must(api, "PUT /v1/certificates/rotating", { body: { name: "rotating", ...certificate } });
        await Promise.all([
          put,
          ...rotatingProxies.map(async (proxy) => {
            await shows(places[proxy], certificate);
            shownAfter[proxy].push(performance.now() - since);
          }),
        ]);
        await allServe(api, (await put).json.revision);
      }
      await sleep(AFTER_MS);
      const rows: RotationRow[] = [];
      for (const { proxy, client, load } of loads) rows.push({ proxy, ...client, ...(await load.stop()) });
      const after = await takenBy(api);
      const grown = Object.entries(await listenerCounters(admin)).map(
        ([name, value]) => [name, value - (listeners[name] ?? 0)] as const,
      );
      const [nginx, haproxy] = [less(after.nginx, before.nginx), less(after.haproxy, before.haproxy)];
      const shownToEndpoint = upstream.shown.size;
      return { rows, shownAfter, nginx, haproxy, shownToEndpoint, envoyListeners: Object.fromEntries(grown) };
    },
  };
}

function fleets(): readonly object[] {
  return rotatingProxies.map((proxy) => ({ name: proxy, proxy, bindAddress: ADDRESSES[proxy] }));
}

interface Places {
  readonly port: number;
  readonly upstream: number;
}

function model({ port, upstream }: Places, certificate: Made, authority: string): object {
  const tls = { serverName: ENDPOINT, authority: "own", clientCertificate: "rotating" };
  return {
    fleets: fleets(),
    certificates: [{ name: "rotating", ...certificate }],
    authorities: [{ name: "own", bundle: authority }],
    listeners: [
      { name: "secure", fleets: rotatingProxies, port, protocol: "HTTPS", tls: { certificates: ["rotating"] } },
    ],
    clusters: [{ name: "up", endpoints: [{ address: "127.0.0.1", port: upstream }], tls }],
    routes: [{ name: "all", listeners: ["secure"], rules: [{ split: [{ cluster: "up" }] }] }],
  };
}

/** An endpoint, and the certificates that it was shown. */
interface Endpoint {
  readonly server: Server;
  readonly port: number;
  readonly shown: ReadonlySet<string>;
}

/** It takes nobody without a certificate of the authority. */
async function startUpstream({ chain, privateKey }: Made, authority: string): Promise<Endpoint> {
  const tls = { cert: chain, key: privateKey, ca: authority, requestCert: true, rejectUnauthorized: true };
  const server = createServer({ ...tls, keepAliveTimeout: 600_000 }, (_, answer) => answer.end("ok"));
  const shown = new Set<string>();
  server.on("secureConnection", (socket: TLSSocket) => shown.add(socket.getPeerCertificate().fingerprint256));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", 1024, done));
  return { server, port: (server.address() as { port: number }).port, shown };
}

/** Resolves when a fresh handshake is shown the certificate. */
async function shows(place: TlsPlace, { chain }: Made): Promise<void> {
  const { fingerprint256 } = new X509Certificate(chain);
  const look = async (): Promise<true | null> => {
    const socket = await shakeHands(place, "http/1.1");
    const shown = socket.getPeerX509Certificate()?.fingerprint256;
    socket.destroy();
    return shown === fingerprint256 ? true : null;
  };
  await until(`${place.host} shows the new certificate`, look, { timeoutMs: SETTLE_MS, everyMs: LOOK_MS });
}

/** A reload is over, and the next one may come, when the agents say so. */
async function allServe(api: string, revision: number): Promise<void> {
  for (const proxy of ["nginx", "haproxy"])
    await until(
      `${proxy} has revision ${revision}`,
      async () => {
        const [item] = (await must(api, `GET /v1/fleets/${proxy}/proxies`)).json.items;
        return item?.state === "serving" && item.revision >= revision ? true : null;
      },
      { timeoutMs: SETTLE_MS, everyMs: LOOK_MS },
    );
}

async function takenBy(api: string): Promise<Readonly<Record<"nginx" | "haproxy", Taken>>> {
  const of = async (proxy: string): Promise<Taken> =>
    (await must(api, `GET /v1/fleets/${proxy}/proxies`)).json.items[0];
  return { nginx: await of("nginx"), haproxy: await of("haproxy") };
}

function less(after: Taken, before: Taken): Taken {
  return { reloads: after.reloads - before.reloads, runtimeChanges: after.runtimeChanges - before.runtimeChanges };
}

/** What Envoy does to listeners when they change. */
const COUNTERS = ["listener_added", "listener_modified", "listener_in_place_updated", "listener_removed"];

async function listenerCounters(addressFile: string): Promise<Readonly<Record<string, number>>> {
  const address = (await readFile(addressFile, "utf8")).trim();
  const text = await (await fetch(`http://${address}/stats?filter=^listener_manager`)).text();
  return Object.fromEntries(
    COUNTERS.map((name) => [name, Number(new RegExp(`^listener_manager\\.${name}: (\\d+)$`, "m").exec(text)?.[1])]),
  );
}
