/** What stands behind the proxies: an echo for the proof, nginx for the figures. Both listen on the same ports, one after the other. */
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import type { Upstreams } from "./ports.ts";
import { type Running, start } from "./processes.ts";

/** A query that makes the echo close the connection instead of answering. */
export const BREAK = "break-off";
/** A query that makes them do so for the first request that has it. */
export const BREAK_ONCE = "break-once";

/** What an upstream saw. */
export interface Seen {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly fields: readonly string[];
}

/** Servers that answer with what they were sent. */
export async function startEcho(upstreams: Upstreams): Promise<{ stop(): Promise<void> }> {
  const servers: Server[] = [];
  const broken = new Set<string>();
  for (const port of Object.values(upstreams)) {
    const server = createServer((request, response) => {
      const { url = "" } = request;
      const isFirst = url.includes(BREAK_ONCE) && !broken.has(url);
      if (isFirst) broken.add(url);
      if (isFirst || url.includes(BREAK)) return request.socket.destroy();
      const seen: Seen = {
        port,
        method: request.method ?? "",
        path: request.url ?? "",
        fields: pairs(request.rawHeaders),
      };
      const body = JSON.stringify(seen);
      // Fields that rules of the model set or remove.
      response.writeHead(200, { "content-length": Buffer.byteLength(body), "x-echo": "e", "x-rule": "upstream" });
      return response.end(body);
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
  }
  return {
    async stop() {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
        await once(server, "close");
      }
    },
  };
}

function pairs(raw: readonly string[]): readonly string[] {
  return raw.flatMap((text, index) => (index % 2 === 0 ? [`${text.toLowerCase()}: ${raw[index + 1]}`] : []));
}

/** Some proxies' own windows and buffers are full many times over. */
export const LARGE_BYTES = 1 << 20;
/** Where the large answer is. */
export const LARGE = "/catalog/large";

/** An nginx that answers 200 at once: the cheapest upstream that is at hand. */
export function startUpstreams(folder: string, upstreams: Upstreams): Running {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "nginx.conf");
  writeFileSync(join(folder, "large"), Buffer.alloc(LARGE_BYTES, "0123456789abcdef"));
  writeFileSync(
    file,
    `daemon off; master_process off; pid nginx.pid; error_log stderr warn;
events { worker_connections 4000; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 1h;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  server {
${Object.values(upstreams)
  .map((port) => `    listen 127.0.0.1:${port};`)
  .join("\n")}
    add_header x-echo e;
    location = ${LARGE} { alias ${folder}/large; }
    location / { default_type application/json; return 200 '{"hello": "world", "port": "$server_port"}'; }
  }
}
`,
  );
  return start({ binary: "nginx", args: ["-p", `${folder}/`, "-c", file, "-e", "stderr"] });
}
