/** What is told of a fleet's proxies, one shape for each way to know of one. */
import { schemaRef } from "./openapi/components.ts";
import type { Components } from "./openapi/schema.ts";
import { reportSchema } from "./reportSchema.ts";
import { choice, integer, list, object, orNull, text, textOrNull } from "./schemaParts.ts";

/** One stream of an Envoy, as the xDS room tells of it. */
const proxyStream = object(
  ["source", "nodeId", "group", "peer", "connectedAt", "userAgent", "ackedRevision", "leaving", "types"],
  {
    source: choice("xds"),
    nodeId: { ...text, description: "The node's id: two Envoys may have the same by mistake." },
    group: { ...text, description: "The fleet." },
    peer: { ...text, description: "Address and port of the Envoy." },
    connectedAt: { ...text, format: "date-time" },
    userAgent: text,
    ackedRevision: { type: ["integer", "null"], description: "The last revision of which all was accepted." },
    leaving: {
      ...orNull(schemaRef("Leaving")),
      description:
        "What an Envoy of the local run still has under way of what gets nothing new. Null: it was not asked.",
    },
    types: list(schemaRef("ProxyStreamType")),
  },
);

const proxyStreamType = object(["typeUrl", "sent", "acked", "nacked", "kept"], {
  typeUrl: text,
  sent: { ...textOrNull, description: "The version last sent." },
  acked: { ...textOrNull, description: "The last version of which nothing is missing and nothing was refused." },
  nacked: { ...orNull(schemaRef("Nack")), description: "What is refused now, and the last refusal." },
  kept: { ...list(text), description: "Removed resources that stay until what is to replace them is accepted." },
});

const nack = object(["version", "message", "resources"], { version: text, message: text, resources: list(text) });

/** A proxy that reads files, and runs here or beside an agent; see `FileProxyStatus` of the publish room. */
const fileProxy = object(
  [
    "source",
    "nodeId",
    "group",
    "proxy",
    "version",
    "agent",
    "state",
    "generation",
    "applied",
    "reloads",
    "runtimeChanges",
    "leaving",
    "revision",
    "since",
    "wanted",
    "lastError",
    "listeners",
    "endpointsDown",
  ],
  {
    source: choice("agent"),
    nodeId: text,
    group: { ...text, description: "The fleet." },
    proxy: { ...text, description: "As `nginx`." },
    version: { ...text, description: "As its program tells it." },
    agent: {
      ...orNull(schemaRef("AgentPresence")),
      description: "The agent on another machine that reports it. Null: it runs here.",
    },
    state: {
      ...choice("stopped", "starting", "serving", "degraded", "failed"),
      description: "degraded: an older generation runs, or a part, or it is being restarted. failed: nothing runs.",
    },
    generation: {
      ...textOrNull,
      description: "What it was proved to run; `-without-` and a mark at its end: all but the listeners that wait.",
    },
    applied: {
      ...orNull(choice("start", "reload", "runtime")),
      description:
        "How it came to run this: the process was started or reloaded with it, or changed while it ran. Null: nothing runs yet.",
    },
    reloads: { ...integer, description: "How often it was told to reload." },
    runtimeChanges: { ...integer, description: "How often it was changed while it ran, without a reload." },
    leaving: {
      ...schemaRef("Leaving"),
      description: "What is still under way of what gets nothing new; nothing: the last connection is gone.",
    },
    revision: { type: ["integer", "null"], description: "The newest revision that this generation is of." },
    since: { ...text, format: "date-time", description: "So long it runs this generation, or none." },
    wanted: { ...orNull(schemaRef("WantedFiles")), description: "What it is to run." },
    lastError: { ...textOrNull, description: "Why it does not run what it is to; null: it does." },
    listeners: list(schemaRef("FileProxyListener")),
    endpointsDown: {
      ...list(schemaRef("FileProxyEndpoint")),
      description:
        "Endpoints that get nothing as they fail the probes made beside this proxy (`healthChecks: agent`); at most 1000.",
    },
  },
);

const leaving = object(["processes", "endpoints"], {
  processes: { ...integer, description: "Processes of before a reload that finish what they have." },
  endpoints: {
    ...list(schemaRef("LeavingEndpoint")),
    description:
      "Of Envoy and HAProxy's serving process: endpoints that drain or are down (HAProxy: or gone) and still have connections; the 100 with the most.",
  },
});

const leavingEndpoint = object(["endpoint", "connections"], {
  endpoint: { ...text, description: "As `10.0.0.7:8080`." },
  connections: integer,
});

/** Somebody who fetched files. */
const filePoller = object(["source", "group", "address", "userAgent", "polledAt", "generation", "revision", "hadIt"], {
  source: choice("poll"),
  group: { ...text, description: "The fleet." },
  address: text,
  userAgent: text,
  polledAt: { ...text, format: "date-time" },
  generation: { ...text, description: "The ETag of what it was given last; whether it runs that is not known." },
  revision: integer,
  hadIt: { type: "boolean", description: "It said that it has this generation already (If-None-Match)." },
});

const fileProxyListener = object(["listener", "state", "reason", "since"], {
  listener: text,
  state: choice("serving", "waiting"),
  reason: textOrNull,
  since: { ...text, format: "date-time" },
});

const fileProxyEndpoint = object(["cluster", "address", "port", "reason", "since"], {
  cluster: text,
  address: text,
  port: integer,
  reason: { ...textOrNull, description: "Why a probe failed last; null: none has ended yet." },
  since: { ...text, format: "date-time" },
});

const BY_SOURCE = { xds: "ProxyStream", agent: "FileProxy", poll: "FilePoller" } as const;

const proxy = {
  oneOf: Object.values(BY_SOURCE).map(schemaRef),
  discriminator: {
    propertyName: "source",
    mapping: Object.fromEntries(Object.entries(BY_SOURCE).map(([source, name]) => [source, schemaRef(name).$ref])),
  },
};

/** By their names in OpenAPI. */
export const proxySchemas: Components = {
  ProxyStream: proxyStream,
  ProxyStreamType: proxyStreamType,
  Nack: nack,
  FileProxy: fileProxy,
  AgentPresence: object(["address", "version", "reportedAt"], {
    address: { ...text, description: "Whence it reports." },
    version: text,
    reportedAt: { ...text, format: "date-time", description: "When it did last." },
  }),
  ProxyReport: reportSchema,
  ProxyReportAnswer: object(["wanted"], {
    wanted: { ...orNull(schemaRef("WantedFiles")), description: "What it is to run; null: nothing was made yet." },
  }),
  WantedFiles: object(["generation", "revision"], { generation: text, revision: integer }),
  FileProxyListener: fileProxyListener,
  Leaving: leaving,
  LeavingEndpoint: leavingEndpoint,
  FileProxyEndpoint: fileProxyEndpoint,
  FilePoller: filePoller,
  Proxies: object(["items"], { items: list(proxy) }),
};
