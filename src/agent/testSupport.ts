/** For the tests of this room: tiny configurations for the real proxies, free ports, requests, and a look at /proc. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { rebind as rebindHaproxy } from "../targets/haproxy/rebind.ts";
import { rebind as rebindNginx } from "../targets/nginx/rebind.ts";
import type { Rebind } from "../targets/target.ts";
import { haproxyAdapter } from "./adapters/haproxy.ts";
import { nginxAdapter } from "./adapters/nginx.ts";
import { socketText } from "./busySockets.ts";
import { writeGeneration } from "./generations.ts";
import type { AgentFiles, Check, FileAdapter } from "./types.ts";

export { freePort } from "../util/testingPorts.ts";

/** A kind of proxy under test. */
export interface Kind {
  readonly name: string;
  readonly create: FileAdapter["createProxy"];
  /** The file that is read first, and its text. */
  readonly file: string;
  readonly main: string;
  readonly listenerFile: (name: string) => string;
  /** Answers every request with the text. */
  readonly listener: (listener: TestListener, text: string) => string;
  readonly rebind: Rebind;
  readonly checkArgs: (dir: string) => readonly string[];
}

/** A listener under test. */
export interface TestListener {
  readonly name: string;
  readonly port: number;
  /** Default: 127.0.0.1. */
  readonly address?: string;
}

const NGINX_MAIN = `
worker_processes 2;
events {}
http {
  access_log off;
  client_body_temp_path tmp_body; proxy_temp_path tmp_proxy; fastcgi_temp_path tmp_fcgi;
  uwsgi_temp_path tmp_uwsgi; scgi_temp_path tmp_scgi;
  include listeners/*.conf;
  include local/*.conf;
}
`;

const HAPROXY_MAIN = `
global
  default-path config
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 1s
backend unused
`;

const at = ({ address = "127.0.0.1", port }: TestListener): string => socketText({ address, port });

export const KINDS: readonly Kind[] = [
  {
    name: "nginx",
    create: nginxAdapter.createProxy,
    file: "nginx.conf",
    main: NGINX_MAIN,
    listenerFile: (name) => `listeners/${name}.conf`,
    listener: (listener, text) =>
      `  server {\n    listen ${at(listener)};\n    location / { return 200 "${text}"; }\n  }\n`,
    rebind: rebindNginx,
    checkArgs: (dir) => [
      "-t",
      "-q",
      "-e",
      "stderr",
      "-p",
      `${dir}/`,
      "-c",
      join(dir, "nginx.conf"),
      "-g",
      `pid ${dir}/t.pid;`,
    ],
  },
  {
    name: "haproxy",
    create: haproxyAdapter.createProxy,
    file: "haproxy.cfg",
    main: HAPROXY_MAIN,
    listenerFile: (name) => `listener.${name}.cfg`,
    listener: (listener, text) => `frontend ${listener.name}
  bind ${at(listener)}
  http-request return status 200 content-type text/plain lf-string %[str(x),map_str(words.map)]
# ${text}
`,
    rebind: rebindHaproxy,
    checkArgs: (dir) => ["-c", "-f", dir],
  },
];

/** Files whose proxy answers every request with `text`, which is the generation's name too. */
export function filesOf(kind: Kind, port: number, text: string): AgentFiles {
  return filesWith(kind, text, [{ name: "f", port }]);
}

/** The same with several listeners. */
export function filesWith(kind: Kind, text: string, listeners: readonly TestListener[]): AgentFiles {
  return {
    generation: text,
    sockets: listeners.map((listener) => ({
      address: listener.address ?? "127.0.0.1",
      port: listener.port,
      listeners: [listener.name],
      file: kind.listenerFile(listener.name),
    })),
    files: [
      { path: kind.file, text: kind.main, mode: 0o644 },
      ...listeners.map((listener) => ({
        path: kind.listenerFile(listener.name),
        text: kind.listener(listener, text),
        mode: 0o644,
      })),
      { path: "words.map", text: `x ${text}\n`, mode: 0o600 },
    ],
  };
}

/** The proxy's own checker, in a folder of its own. */
export function checkWith(kind: Kind, scratch: string): (files: AgentFiles) => Promise<Check> {
  return async (files) => {
    await writeGeneration(scratch, files, { files: [], links: [] });
    const run = promisify(execFile)(kind.name, kind.checkArgs(join(scratch, "generations", files.generation)));
    return run.then(
      () => ({ ok: true, message: "" }),
      (error: { stderr: string }) => ({ ok: false, message: error.stderr }),
    );
  };
}

export async function scratchDir(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "trimtab-agent-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** The body, or `null` for any kind of failure. Each request on a connection of its own. */
export function ask(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const sent = get({ host: "127.0.0.1", port, path: "/", agent: false, timeout: 2_000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => resolve(answer.statusCode === 200 ? text : null));
      answer.on("error", () => resolve(null));
    });
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve(null));
  });
}

/** Asks again and again until stopped; gives all answers. */
export function loop(port: number): { stop: () => Promise<readonly (string | null)[]> } {
  const answers: (string | null)[] = [];
  let going = true;
  const done = (async () => {
    while (going) {
      answers.push(await ask(port));
      await sleep(2);
    }
  })();
  return {
    stop: async () => {
      going = false;
      await done;
      return answers;
    },
  };
}

/** Pids of living (not zombie) processes of this process group. */
export function groupMembers(leader: number): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return Number(group) === leader && state !== "Z";
      } catch {
        return false;
      }
    })
    .map(Number);
}

export async function until(what: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await what())) {
    if (performance.now() > end) {
      throw new Error("it did not happen in time");
    }
    await sleep(20);
  }
}
