/** What rooms see happen, as lines of the log: which level, which fields, and what may come in floods. */
import { type AgentLog, createAgentLog, OVER, SECRETS_DELIVERED, secretFields } from "./agentLog.ts";
import type { FileSecretsEvent, TlsRefusal, TokenRefusal, WriteEvent } from "./api/index.ts";
import type { Refused } from "./certificateFiles/index.ts";
import type { Logger } from "./log/index.ts";
import { FleetLeftOutError, type ListenerChange, type RemoteEvent } from "./publish/index.ts";
import type { Exposed } from "./store/index.ts";
import { reasonOf } from "./util/reason.ts";
import type { TlsFilesEvent } from "./util/tlsFiles.ts";
import type { NackEvent, RefusalEvent, SecretsEvent, StreamEvent } from "./xds/index.ts";

/** Names of resources in one line; of the others the line says how many there are of each collection. */
const MAX_NAMES = 20;

/** The functions that rooms are given to tell what happens. */
export interface PlaneLog {
  readonly write: (event: WriteEvent) => void;
  readonly tokenRefused: (refusal: TokenRefusal) => void;
  readonly stream: (event: StreamEvent) => void;
  readonly nack: (nack: NackEvent) => void;
  /** Of the API's files, and of streams. */
  readonly fileSecrets: (event: FileSecretsEvent) => void;
  readonly streamSecrets: (event: SecretsEvent) => void;
  /** Certificates that stand in files. */
  readonly certificateTaken: (taken: { readonly name: string; readonly revision: number }) => void;
  readonly certificateRefused: (refused: Refused) => void;
  readonly xdsRefused: (event: RefusalEvent) => void;
  readonly xdsError: (error: unknown) => void;
  readonly tlsFiles: (event: TlsFilesEvent) => void;
  /** Of the API's port. */
  readonly httpTlsFiles: (event: TlsFilesEvent) => void;
  readonly httpRefused: (refusal: TlsRefusal) => void;
  readonly listener: (change: ListenerChange) => void;
  readonly publishFailed: (fleet: string, error: unknown, revision: number) => void;
  readonly publishRecovered: (fleet: string, revision: number) => void;
  /** Of proxies that run here. */
  readonly agent: AgentLog;
  /** Of proxies that agents elsewhere report. */
  readonly remote: (event: RemoteEvent) => void;
  readonly exposed: (exposed: Exposed) => void;
}

/** `principal`: how whoever writes has shown that they may. */
export function createPlaneLog(logger: Logger, principal: "token" | "loopback"): PlaneLog {
  const { log, paced } = logger;
  /** Proxies that are reported and are in trouble. */
  const troubled = new Set<string>();
  return {
    agent: createAgentLog(logger),
    write: ({ revision, author, peer, owners, changed }) =>
      log("info", "write", { revision, author, principal, peer, owners, ...changeFields(changed) }),
    // An address, not its port: each try may have a new one.
    tokenRefused: ({ peer, ...fields }) =>
      paced({
        sender: peer.replace(/:\d+$/, ""),
        level: "warn",
        event: "token-refused",
        fields: { peer, ...fields },
      }),
    stream({ kind, reason, group, nodeId, ...fields }) {
      const event = kind === "acknowledged" ? "revision-acknowledged" : `proxy-${kind}`;
      const why = reason === null ? {} : { reason };
      paced({
        sender: `${group} ${nodeId}`,
        level: "info",
        event,
        fields: { fleet: group, nodeId, ...fields, ...why },
      });
    },
    nack: ({ group, nodeId, message, ...fields }) =>
      paced({
        sender: `${group} ${nodeId}`,
        level: "warn",
        event: "nack",
        // Envoy quotes what it refuses.
        fields: { fleet: group, nodeId, ...fields, message: /\.Secret$/.test(fields.typeUrl) ? HIDDEN : message },
      }),
    fileSecrets: (event) =>
      paced({
        sender: `${event.fleet} ${event.peer.replace(/:\d+$/, "")}`,
        level: "info",
        event: SECRETS_DELIVERED,
        fields: { by: "api", ...secretFields(event) },
      }),
    streamSecrets: ({ group: fleet, resources: files, ...event }) =>
      paced({
        sender: `${fleet} ${event.nodeId}`,
        level: "info",
        event: SECRETS_DELIVERED,
        fields: { fleet, by: "xds", ...secretFields({ ...event, files }) },
      }),
    certificateTaken: ({ name: certificate, revision }) =>
      log("info", "certificate-file-taken", { certificate, revision }),
    certificateRefused: ({ name: certificate, reason }) =>
      log("warn", "certificate-file-refused", { ...(certificate === "" ? {} : { certificate }), reason }),
    xdsRefused: ({ group, ...fields }) => log("warn", "xds-refused", { fleet: group, ...fields }),
    xdsError: (error) => paced({ sender: "", level: "error", event: "xds-error", fields: { error } }),
    tlsFiles: (event) =>
      event.ok ? log("info", "xds-tls-loaded", { ...event }) : log("warn", "xds-tls-kept", { ...event }),
    httpTlsFiles: (event) =>
      event.ok ? log("info", "http-tls-loaded", { ...event }) : log("warn", "http-tls-kept", { ...event }),
    httpRefused: ({ peer, ...fields }) =>
      paced({
        sender: peer.replace(/:\d+$/, ""),
        level: "warn",
        event: "http-tls-refused",
        fields: { peer, ...fields },
      }),
    listener: ({ state, ...listener }) =>
      log(state === "waiting" ? "warn" : OVER, `listener-${state}`, { ...listener }),
    publishFailed: (fleet, error, revision) =>
      log("error", "publish-failed", { fleet, revision, error: isDefect(error) ? error.stack : reasonOf(error) }),
    publishRecovered: (fleet, revision) => log(OVER, "publish-recovered", { fleet, revision }),
    remote({ kind, fleet, nodeId, ...fields }) {
      const sender = `${fleet} ${nodeId}`;
      const wasTroubled = troubled.has(sender);
      if (kind === "failed") troubled.add(sender);
      if (kind === "serving" || kind === "disconnected") troubled.delete(sender);
      const isOver = kind === "serving" && wasTroubled;
      const level = kind === "failed" ? "error" : isOver || kind === "disconnected" ? "warn" : "info";
      paced({ sender, level, event: `proxy-${kind}`, fields: { fleet, nodeId, ...fields } });
    },
    exposed: (exposed) => log("warn", "store-exposed", { ...exposed }),
  };
}

const HIDDEN = "not told: it may quote a secret";

/** Where it broke matters of a defect only. */
function isDefect(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof FleetLeftOutError);
}

/** Kinds and names, never values. */
function changeFields(changed: WriteEvent["changed"]): Record<string, unknown> {
  const words = changed.slice(0, MAX_NAMES).map(({ resource, change }) => `${change} ${resource}`);
  if (changed.length <= MAX_NAMES) return { changed: words };
  const counts: Record<string, number> = {};
  for (const { resource, change } of changed) {
    const kind = `${change} ${resource.slice(0, resource.indexOf("/"))}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return { changes: changed.length, counts, changed: words };
}
