/** What an agent on another machine says of its proxy. Bounds: what agents of this version send is below them. */
import type { Schema } from "./openapi/schema.ts";
import { choice, object } from "./schemaParts.ts";

/** A name of a process, and of a proxy: as machines are called. */
export const NODE_NAME = "^[A-Za-z0-9](?:[-A-Za-z0-9._]{0,126}[A-Za-z0-9])?$";

const count: Schema = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const text = (maxLength: number): Schema => ({ type: "string", maxLength });
const orNull = (schema: Schema): Schema => ({ ...schema, type: [schema.type as string, "null"] });
const time: Schema = { type: "string", maxLength: 40, pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,16}Z$" };
const name = text(63);

const listener = object(["listener", "state", "reason", "since"], {
  listener: name,
  state: choice("serving", "waiting"),
  reason: orNull(text(1_000)),
  since: time,
});

const endpointDown = object(["cluster", "address", "port", "reason", "since"], {
  cluster: name,
  address: text(255),
  port: { type: "integer", minimum: 1, maximum: 65_535 },
  reason: orNull(text(1_000)),
  since: time,
});

const leaving = object(["processes", "endpoints"], {
  processes: count,
  endpoints: {
    type: "array",
    maxItems: 100,
    items: object(["endpoint", "connections"], { endpoint: text(300), connections: count }),
  },
});

const properties: Record<string, Schema> = {
  run: {
    type: "string",
    pattern: "^[A-Za-z0-9-]{8,64}$",
    description: "Names the agent's process. Of two with one name the later one is heard, the other is answered 409.",
  },
  agentVersion: text(64),
  ttlSeconds: {
    type: "integer",
    minimum: 5,
    maximum: 300,
    description: "It is reported again within this; else the proxy is away.",
  },
  proxy: { ...text(32), description: "As `nginx`." },
  version: { ...text(64), description: "As its program tells it." },
  state: choice("stopped", "starting", "serving", "degraded", "failed"),
  generation: {
    type: ["string", "null"],
    pattern: "^[A-Za-z0-9_-]{1,96}$",
    description: "What it was proved to run; `-without-` and a mark at its end: all but the listeners that wait.",
  },
  revision: { ...orNull(count), description: "With which that generation was given." },
  since: { ...time, description: "So long it runs this generation, or none." },
  lastError: { ...orNull(text(4_000)), description: "Why it does not run what it is to; null: it does." },
  failures: { ...count, description: "How often files were not taken and the process died." },
  applied: { anyOf: [choice("start", "reload", "runtime"), { type: "null" }] },
  reloads: count,
  runtimeChanges: count,
  leaving,
  listeners: { type: "array", maxItems: 10_000, items: listener },
  endpointsDown: { type: ["array", "null"], maxItems: 1_000, items: endpointDown },
};

/** The body of a report; what else it holds is left out. */
export const reportSchema = object(Object.keys(properties), properties);
