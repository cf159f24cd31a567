/** `trimtab agent`, put together. `program.ts` loads it when the command needs it: of the control plane it needs nothing. */
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { findProxy, type ListenerState } from "./agent/index.ts";
import { type AgentLog, createAgentLog, OVER } from "./agentLog.ts";
import { type AgentOptions, EXIT } from "./cli/index.ts";
import { stopOnSignals } from "./dev/stopOnSignals.ts";
import { targetTools } from "./localTargets.ts";
import { createLogger, type LogClock, type Logger } from "./log/index.ts";
import { createClient, type FollowEvent, runAgent } from "./remote/index.ts";
import { isLoopback } from "./util/address.ts";

/** What the command is told besides its flags. */
interface RemoteAgentOptions extends AgentOptions {
  readonly version: string;
  /** The project's folder. */
  readonly root: string;
}

const clock: LogClock = {
  now: () => new Date(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};

/** Runs until a signal; resolves with the exit code. */
export async function remoteAgent(options: RemoteAgentOptions): Promise<number> {
  const { fleet: fleets, name: node, version, root, tokenFile, ca, cert, key, interval } = options;
  const server = serverUrl(options.server);
  const logger = createLogger({
    format: options.logFormat ?? (process.stderr.isTTY ? "text" : "json"),
    level: options.logLevel,
    write: (line) => process.stderr.write(line),
    clock,
  });
  const tell = teller(logger, node);
  const stop = stopOnSignals();
  const runDir = resolve(options.runDir);
  if (server.protocol === "http:" && !isLoopback(server.hostname.replace(/^\[|\]$/g, "")))
    logger.log("warn", "server-plaintext", {
      server: server.origin,
      remedy: "files and token travel as they are: use https",
    });
  await runAgent({
    fleets,
    node,
    runDir,
    client: createClient({
      server,
      tokenFile,
      tlsFiles: { ca, cert, key },
      userAgent: `trimtab-agent/${version} (${node})`,
    }),
    intervalMs: interval,
    run: randomUUID(),
    version,
    find: (kind) => findProxy(kind, { root, env: process.env }),
    tools: targetTools,
    random: Math.random,
    tell,
    onStart: () => {
      logger.log("info", "started", { version, server: server.origin, fleets, name: node, runDir });
      process.stdout.write(
        `trimtab ${version}: agent ${node} of ${fleets.join(", ")}, control plane ${server.origin}\n`,
      );
    },
    stop,
  });
  logger.log("info", "stopped");
  logger.close();
  return EXIT.ok;
}

function serverUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Error(`${text} is not the URL of a server; write it as https://trimtab.example.org:8400`);
  return url;
}

/** Access logs go to standard output as they are; all else is a line of the log. */
function teller(logger: Logger, node: string): (fleet: string, event: FollowEvent) => void {
  const { log, paced } = logger;
  const tellProxy: AgentLog = createAgentLog(logger);
  const tellListeners = createListenerLog(logger);
  return (fleet, event) => {
    const sender = fleet;
    switch (event.kind) {
      case "logged":
        process.stdout.write(`${event.line}\n`);
        return;
      case "listeners":
        tellListeners(fleet, event.listeners);
        return;
      case "away":
        paced({ sender, level: "warn", event: "control-plane-away", fields: { fleet, reason: event.reason } });
        return;
      case "back":
        paced({ sender, level: OVER, event: "control-plane-back", fields: { fleet } });
        return;
      case "fetched":
      case "older": {
        const { kind, generation, revision } = event;
        log(kind === "older" ? "warn" : "info", `files-${kind}`, { fleet, generation, revision });
        return;
      }
      case "missing":
        log("error", "proxy-missing", { fleet, reason: event.reason });
        return;
      case "kept":
        paced({ sender, level: "error", event: "last-good", fields: { fleet, reason: event.reason } });
        return;
      default:
        tellProxy(fleet, node, event);
    }
  };
}

/** Tells when a listener begins to wait, or is served again. */
function createListenerLog({ paced }: Logger): (fleet: string, listeners: readonly ListenerState[]) => void {
  const waiting = new Map<string, string>();
  return (fleet, listeners) => {
    for (const { listener, state, reason } of listeners) {
      const sender = `${fleet} ${listener}`;
      if (waiting.get(sender) === (reason ?? undefined)) continue;
      if (reason === null) waiting.delete(sender);
      else waiting.set(sender, reason);
      paced({ sender, level: OVER, event: `listener-${state}`, fields: { fleet, listener, reason } });
    }
  };
}
