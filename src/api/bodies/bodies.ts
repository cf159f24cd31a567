/**
 * The bodies of requests: received within a bound, checked (in a worker when they are large), built in steps, and their memory
 * given back when the request is answered. Nothing that a body holds keeps the event loop for more than some milliseconds.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { inSlices, type Pace, systemPace } from "../../util/slices.ts";
import { finish } from "../../util/steps.ts";
import { locateNone, refusal } from "../diagnostics.ts";
import { busy } from "../errorHandler.ts";
import {
  BODY_MEMORY_BYTES,
  INLINE_BODY_BYTES,
  MAX_RESOURCE_VALUES,
  MAX_YAML_BYTES,
  MEMORY_PATIENCE_MS,
  RUN_BYTES,
} from "../limits.ts";
import { Problem } from "../problem.ts";
import { build } from "./build.ts";
import { check, type Sound } from "./checked.ts";
import { createMemory } from "./memory.ts";
import type { Bounds } from "./outline.ts";
import { createReceive } from "./receive.ts";
import type { CheckedBody, Format, UncheckedBody } from "./types.ts";
import { createWorkers, type Outcome } from "./workers.ts";

export interface Bodies {
  /** Lets the scope take bodies of these media types. */
  take(scope: FastifyInstance, types: string[], format: Format): void;
}

/** What one request holds until it is answered. */
interface Hold {
  readonly signal: AbortSignal;
  free: () => void;
}

/** For all routes of an API. `resourceBytes`: of one resource, alone or in a configuration. */
export function createBodies(
  app: FastifyInstance,
  { resourceBytes, pace = systemPace }: { readonly resourceBytes: number; readonly pace?: Pace | undefined },
): Bodies {
  const receive = createReceive();
  const read = createRead({ itemBytes: resourceBytes, itemValues: MAX_RESOURCE_VALUES, runBytes: RUN_BYTES }, pace);
  const holds = holdUntilAnswered(app);
  app.addHook("onClose", read.close);
  const parse = async (request: FastifyRequest, format: Format): Promise<unknown> => {
    const { bodyLimit, schema } = request.routeOptions;
    const received = await receive(request.raw, tooLarge(bodyLimit, format));
    try {
      requirePlain(request.headers);
      const bytes = withoutMark(received.bytes);
      // Many clients name a type with whatever they send, also with a DELETE that has no body.
      if (bytes.length === 0 && schema?.body === undefined) return undefined;
      const isSmall = format === "json" && bytes.length <= INLINE_BODY_BYTES;
      if (isSmall) return await read.small(bytes);
      return await read.large({ bytes, format, isResource: bodyLimit === resourceBytes }, holds(request));
    } finally {
      received.free();
    }
  };
  return {
    take(scope, types, format) {
      scope.addContentTypeParser(types, (request: FastifyRequest) => parse(request, format));
    },
  };
}

type Large = Omit<UncheckedBody, "bounds">;

function createRead(bounds: Bounds, pace: Pace) {
  const workers = createWorkers();
  const memory = createMemory(BODY_MEMORY_BYTES);
  const ownTurn = createOwnTurn(pace);
  return {
    close: workers.close,
    /** In place. */
    async small(bytes: Buffer): Promise<unknown> {
      await ownTurn();
      const found = sound(check(bytes, bounds));
      return finish(build({ ...found, bytes, frame: found.value }));
    },
    async large(body: Large, hold: Hold): Promise<unknown> {
      const found = sound(await workers.check({ ...body, bounds }, hold.signal));
      const free = await memory.take(found.needs, { signal: hold.signal, patienceMs: MEMORY_PATIENCE_MS });
      if (free === null) throw busy("other large bodies take the memory for them");
      hold.free = free;
      if (hold.signal.aborted) free();
      await pace.turn();
      return inSlices(build({ ...found, frame: JSON.parse(found.frame) }), pace);
    },
  };
}

/** One in each turn of the event loop, as many may be complete at once. Who is alone does not wait. */
function createOwnTurn(pace: Pace): () => Promise<void> {
  let isTaken = false;
  return async () => {
    while (isTaken) await pace.turn();
    isTaken = true;
    setImmediate(() => {
      isTaken = false;
    });
  };
}

/** Throws the Problem of what is not sound. */
function sound<T extends Sound | CheckedBody>(outcome: T | Exclude<Outcome, CheckedBody>): T {
  if (outcome === "busy") throw busy("other large bodies are being read");
  if (outcome.kind === "unsound") throw new Problem(outcome.code, outcome.detail);
  if (outcome.kind === "misshapen") throw refusal(outcome.diagnostics, locateNone) as Problem;
  const { largeItem } = outcome;
  if (largeItem === null) return outcome;
  const message = `is larger than a resource may be, or has more than ${MAX_RESOURCE_VALUES} values`;
  throw new Problem("API-INVALID", "1 problem; nothing was stored", {
    errors: [{ pointer: largeItem, code: "API-TOO-LARGE", message }],
  });
}

/** Tells when a request is over, and frees then what it holds. */
function holdUntilAnswered(app: FastifyInstance): (request: FastifyRequest) => Hold {
  const holds = new WeakMap<FastifyRequest, Hold>();
  app.addHook("onRequest", async (request, reply) => {
    const gone = new AbortController();
    const hold: Hold = { signal: gone.signal, free: () => {} };
    holds.set(request, hold);
    reply.raw.once("close", () => {
      gone.abort();
      hold.free();
    });
  });
  return (request) => holds.get(request) as Hold;
}

function tooLarge(bodyLimit: number, format: Format): { readonly maximum: number; readonly detail: string } {
  if (format === "yaml" && bodyLimit > MAX_YAML_BYTES) {
    const detail = `YAML is taken up to ${MAX_YAML_BYTES} bytes; send larger configurations as JSON`;
    return { maximum: MAX_YAML_BYTES, detail };
  }
  return { maximum: bodyLimit, detail: `this path takes bodies of at most ${bodyLimit} bytes` };
}

/** Throws API-UNSUPPORTED-MEDIA-TYPE for another character set than UTF-8, and for what is packed. */
function requirePlain({ "content-type": type, "content-encoding": encoding }: IncomingHttpHeaders): void {
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    throw new Problem(
      "API-UNSUPPORTED-MEDIA-TYPE",
      `bodies are taken as they are, not in ${encoding.slice(0, MAX_TOLD)}`,
    );
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(type ?? "")?.[1];
  if (charset === undefined || /^utf-?8$/i.test(charset)) return;
  throw new Problem("API-UNSUPPORTED-MEDIA-TYPE", `bodies are taken in UTF-8, not in ${charset.slice(0, MAX_TOLD)}`);
}

/** Characters of a field that an answer repeats. */
const MAX_TOLD = 40;

const MARK = Buffer.from("\ufeff");

/** RFC 8259 lets a reader ignore a byte-order mark. */
function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, MARK.length).equals(MARK) ? bytes.subarray(MARK.length) : bytes;
}
