/** nginx or HAProxy of a newer release, run by `trimtab agent` for a fleet of a case's own. */
import { randomUUID } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { must } from "./api.ts";
import { e2e } from "./context.ts";
import { base, type Document, type ModelPart, merge } from "./model.ts";
import { type NewerName, newerAddresses, newerBinary, newerFleet, newerFleetOf } from "./newer.ts";
import { freePort } from "./ports.ts";
import { type Child, isRunning, logTail, startChild, stopChild, until } from "./process.ts";
import { AGENT_TOKEN, programEntry } from "./program.ts";
import { send } from "./rawHttp.ts";

/** Starts and reloads of proxies take their time on a busy machine. */
const PATIENCE = { timeoutMs: 30_000 };

export interface AgentPlace {
  /** Puts a model into the program, and waits until the proxy has it. Its documents name the fleet, which it need not have. */
  readonly serve: (part: ModelPart) => Promise<void>;
  /** What the control plane tells of the proxy. */
  readonly told: () => Promise<Document>;
  readonly close: () => Promise<void>;
}

/** `trimtab agent` for the fleet of a newer proxy, with a folder of its own. */
export async function startNewerAgent(proxy: NewerName): Promise<Child> {
  const { program, workDir } = e2e();
  const name = newerFleet(proxy);
  const dir = await mkdtemp(join(workDir, `${name}-agent-`));
  // Private keys are for those who have it.
  const token = join(dir, "token");
  await writeFile(token, AGENT_TOKEN, { mode: 0o600 });
  const flags = ["--fleet", name, "--name", name, "--server", program.api, "--interval", "200ms"];
  const files = ["--run-dir", join(dir, "run"), "--token-file", token];
  const command = [process.execPath, programEntry(), "agent", ...flags, ...files];
  const binary = `TRIMTAB_${proxy.toUpperCase()}=${newerBinary(proxy)}`;
  return startChild("env", [binary, ...command], { logFile: join(dir, "agent.log") });
}

/** The agent starts with the first model. */
export async function openAgentPlace(proxy: NewerName): Promise<AgentPlace> {
  const address = newerAddresses[proxy];
  const fleet = await newerFleetOf(proxy);
  const { name } = fleet;
  const port = await freePort(address);
  let agent: Child | null = null;
  return {
    serve: async (part) => {
      const marker = randomUUID();
      const marking = {
        fleets: [fleet],
        listeners: [{ name: "newer-marker", fleets: [name], port, protocol: "HTTP" }],
        routes: [
          { name: "newer-marker", listeners: ["newer-marker"], rules: [{ respond: { status: 200, body: marker } }] },
        ],
      };
      const body = merge(base(e2e().ports, marker), merge(part, marking));
      await must(e2e().program.api, "PUT /v1/config?force=true", { body });
      const running = agent ?? (await startNewerAgent(proxy));
      agent = running;
      await until(
        `the proxy of ${name} serves`,
        async () => {
          if (!isRunning(running)) throw new Error(logTail(running));
          return (await send({ address, port }, { path: "/", host: "marker" })).body === marker ? true : null;
        },
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
