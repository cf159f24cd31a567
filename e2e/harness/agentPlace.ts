/** A fleet of a case's own whose proxy `trimtab agent` runs, from a binary of choice. */
import { randomUUID } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { must } from "./api.ts";
import { e2e } from "./context.ts";
import type { Http3Place } from "./http3Site.ts";
import { base, type Document, merge } from "./model.ts";
import { freePort } from "./ports.ts";
import { type Child, logTail, startChild, stopChild, until } from "./process.ts";
import { programEntry } from "./program.ts";
import { send } from "./rawHttp.ts";

/** Starts and reloads of proxies take their time on a busy machine. */
const PATIENCE = { timeoutMs: 30_000 };

export interface AgentPlace extends Http3Place {
  /** What the agent and its proxy print; the access log too. */
  readonly logFile: string;
  /** What the control plane tells of the proxy. */
  readonly told: () => Promise<Document>;
  readonly close: () => Promise<void>;
}

interface Options {
  readonly fleet: Document;
  readonly address: string;
  readonly binary: string;
  /** The environment variable that names it. */
  readonly variable: string;
}

/** The agent starts with the first model. */
export async function openAgentPlace({ fleet, address, binary, variable }: Options): Promise<AgentPlace> {
  const { name } = fleet;
  const dir = await mkdtemp(join(e2e().workDir, `${name}-`));
  const port = await freePort(address);
  const logFile = join(dir, "agent.log");
  let agent: Child | null = null;
  const start = (): Child => {
    const flags = ["--fleet", name, "--name", name, "--server", e2e().program.api, "--interval", "200ms"];
    const args = [process.execPath, programEntry(), "agent", ...flags, "--run-dir", join(dir, "run")];
    return startChild("env", [`${variable}=${binary}`, ...args], { logFile });
  };
  return {
    fleet: name,
    address,
    logFile,
    fleets: () => [{ ...fleet, bindAddress: address }],
    serve: async (part) => {
      const marker = randomUUID();
      const marking = {
        listeners: [{ name: "h3-marker", fleets: [name], port, protocol: "HTTP" }],
        routes: [{ name: "h3-marker", listeners: ["h3-marker"], rules: [{ respond: { status: 200, body: marker } }] }],
      };
      const body = merge(base(e2e().ports, marker), merge(part, marking));
      await must(e2e().program.api, "PUT /v1/config?force=true", { body });
      agent ??= start();
      await until(
        `the proxy of ${name} serves: ${logTail(agent)}`,
        async () => ((await send({ address, port }, { path: "/", host: "marker" })).body === marker ? true : null),
        PATIENCE,
      );
    },
    told: async () => {
      const { json } = await must(e2e().program.api, `GET /v1/fleets/${name}/proxies`);
      return (json.items as Document[])[0] as Document;
    },
    close: async () => {
      if (agent !== null) await stopChild(agent);
    },
  };
}
