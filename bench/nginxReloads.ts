/**
 * `npm run bench:nginx-reloads -- [RELOADS]`: what a plain nginx, written by hand, loses over kept connections inside TLS when its
 * certificate is replaced so often (default 20), and what of its configuration changes that. The table of decision 82.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../e2e/harness/ports.ts";
import { startChild, stopChild, until } from "../e2e/harness/process.ts";
import { certificateMaker, type Made } from "../e2e/harness/tls.ts";
import { shakeHands, type TlsClient, type TlsPlace, tlsLoad } from "../e2e/harness/tlsLoad.ts";

const RELOADS = Number(process.argv[2] ?? 20);
/** As far apart as the agent's. */
const BETWEEN_MS = 2_000;
/** Old workers end their connections meanwhile. */
const AFTER_MS = 1_000;
const READY_MS = 30_000;
const NAME = "reloaded.example";
/** As many of each: what is lost is a matter of microseconds. */
const CLIENTS = 4;
const CLIENT_KINDS: readonly TlsClient[] = [
  { protocol: "http/1.1", isKept: true },
  { protocol: "http/1.1", isKept: false },
  { protocol: "h2", isKept: true },
];

interface Variant {
  readonly name: string;
  readonly main?: string;
  readonly http?: string;
  readonly file?: string;
  /** Whether nginx is told of the new certificate. */
  readonly reloads: boolean;
}

const VARIANTS: readonly Variant[] = [
  { name: "nothing is replaced", reloads: false },
  { name: "`nginx -s reload`", reloads: true },
  { name: "`worker_shutdown_timeout 60s`", main: "worker_shutdown_timeout 60s;", reloads: true },
  {
    name: "`keepalive_requests`, `keepalive_timeout` large",
    http: "keepalive_requests 1000000000; keepalive_timeout 1h;",
    reloads: true,
  },
  { name: "`lingering_close always`", http: "lingering_close always; lingering_time 30s;", reloads: true },
  {
    name: "`ssl_certificate` of a variable, no reload",
    http: "map $ssl_server_name $pair { default current; }",
    file: "$pair.pem",
    reloads: false,
  },
];

const folder = mkdtempSync(join(tmpdir(), "trimtab-nginx-reloads-"));
const endpoint = createServer({ keepAliveTimeout: 600_000 }, (_, answer) => answer.end("ok"));
try {
  await new Promise<void>((done) => endpoint.listen(0, "127.0.0.1", done));
  const maker = certificateMaker(join(folder, "certificates"));
  const made = Array.from({ length: RELOADS + 1 }, (_, index) => maker.make(`c${index}`, { names: `DNS:${NAME}` }));
  console.log("| | HTTP/1.1, kept: failed of | HTTP/1.1, fresh | HTTP/2, kept | sent again | handshakes failed of |");
  console.log("|---|---|---|---|---|---|");
  for (const [index, variant] of VARIANTS.entries())
    console.log(`| ${variant.name} | ${(await measure(variant, join(folder, String(index)), made)).join(" | ")} |`);

  async function measure(variant: Variant, place: string, certificates: readonly Made[]): Promise<readonly string[]> {
    const port = await freePort("127.0.0.1");
    mkdirSync(place);
    put(place, certificates[0] as Made);
    writeFileSync(join(place, "nginx.conf"), fileOf(variant, port));
    const args = [
      "-p",
      `${place}/`,
      "-c",
      join(place, "nginx.conf"),
      "-e",
      "stderr",
      "-g",
      "daemon off; pid nginx.pid;",
    ];
    const child = startChild("nginx", args, { logFile: join(place, "log") });
    const at: TlsPlace = { host: "127.0.0.1", port, serverName: NAME, authority: maker.authority };
    try {
      const opens = async (): Promise<true> => {
        (await shakeHands(at, "http/1.1")).destroy();
        return true;
      };
      await until("nginx serves", opens, { timeoutMs: READY_MS });
      const loads = CLIENT_KINDS.map((kind) => Array.from({ length: CLIENTS }, () => tlsLoad(at, kind)));
      for (const certificate of certificates.slice(1)) {
        await sleep(BETWEEN_MS);
        put(place, certificate);
        if (variant.reloads) process.kill(child.pid, "SIGHUP");
      }
      await sleep(AFTER_MS);
      const rows = await Promise.all(loads.map((some) => Promise.all(some.map((one) => one.stop()))));
      const sum = (all: readonly object[], field: string): number =>
        all.reduce((total, one) => total + (one as Record<string, number>)[field]!, 0);
      const all = rows.flat();
      return [
        ...rows.map((some) => `${sum(some, "failed")} of ${sum(some, "sent")}`),
        String(sum(all, "refused")),
        `${sum(all, "failedHandshakes")} of ${sum(all, "handshakes")}`,
      ];
    } finally {
      await stopChild(child);
    }
  }
} finally {
  endpoint.closeAllConnections();
  endpoint.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Chain and key in one file, which is there whole or not at all. */
function put(place: string, { chain, privateKey }: Made): void {
  writeFileSync(join(place, "next.pem"), chain + privateKey);
  renameSync(join(place, "next.pem"), join(place, "current.pem"));
}

function fileOf({ main = "", http = "", file = "current.pem" }: Variant, port: number): string {
  const { port: behind } = endpoint.address() as { port: number };
  return `user root;
worker_processes 1;
${main}
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  ${http}
  upstream behind { server 127.0.0.1:${behind}; keepalive 32; }
  server {
    listen 127.0.0.1:${port} ssl http2 backlog=1024;
    server_name ${NAME};
    ssl_certificate ${file};
    ssl_certificate_key ${file};
    location / { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`;
}
