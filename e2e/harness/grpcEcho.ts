/** A gRPC server that does what calls ask for, with server reflection. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Deadline,
  loadPackageDefinition,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceClientConstructor,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";

/** What a call asks for; see echo.proto. */
export interface Ask {
  readonly text?: string;
  readonly payload?: Buffer;
  readonly count?: number;
  readonly delay?: number;
  readonly status?: number;
  readonly held?: boolean;
}

/** What it is answered. */
export interface Answer {
  readonly text: string;
  readonly payload: Buffer;
  readonly count: number;
}

/** A call as the server saw it. */
export interface SeenCall {
  readonly method: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly deadline: Deadline;
  /** The client, or a proxy on its way, gave it up. */
  cancelled: boolean;
}

/** A running server. */
export interface GrpcEcho {
  readonly name: string;
  readonly port: number;
  readonly seen: readonly SeenCall[];
  readonly held: HeldCalls;
  readonly close: () => void;
}

/** Calls that asked to be held. */
export interface HeldCalls {
  readonly size: () => number;
  /** One more answer to each Spread. */
  readonly step: () => void;
  /** Ends them all well. */
  readonly release: () => void;
}

interface HeldCall {
  readonly step: () => void;
  readonly end: () => void;
}

const MESSAGE_BYTES = 64 * 1024 * 1024;
/** Options for messages larger than gRPC's 4 MiB. */
export const LARGE = {
  "grpc.max_receive_message_length": MESSAGE_BYTES,
  "grpc.max_send_message_length": MESSAGE_BYTES,
};

const definition = loadSync(join(import.meta.dirname, "echo.proto"), { defaults: true });
/** Constructors of clients, by service. */
export const services = (loadPackageDefinition(definition) as unknown as Services).trimtab.e2e;

/** The services of echo.proto. */
export type ServiceName = "Echo" | "Other" | "Unrouted";

interface Services {
  readonly trimtab: { readonly e2e: Readonly<Record<ServiceName, ServiceClientConstructor>> };
}

/** The metadata that every answer has: before and behind its messages. */
function trailers(name: string): Metadata {
  const metadata = new Metadata();
  metadata.set("x-trailer", name);
  metadata.set("x-trailer-bin", Buffer.from([0, 255, 10]));
  return metadata;
}

/** On a free port of loopback, in the clear unless it is told. Answers carry the server's name in `x-server`. */
export async function startGrpcEcho(name: string, tls = ServerCredentials.createInsecure()): Promise<GrpcEcho> {
  const seen: SeenCall[] = [];
  const server = new Server(LARGE);
  const begin: Begin = (method, call) => {
    const own: SeenCall = { method, metadata: call.metadata.getMap(), deadline: call.getDeadline(), cancelled: false };
    seen.push(own);
    call.on("cancelled", () => {
      own.cancelled = call.cancelled;
    });
    return () => {
      const first = new Metadata();
      first.set("x-server", name);
      call.sendMetadata(first);
    };
  };
  const held = new Set<HeldCall>();
  const handlers = handlersOf(name, begin, held);
  server.addService(services.Echo.service, handlers);
  server.addService(services.Other.service, { Unary: handlers.Unary });
  new ReflectionService(definition).addToServer(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", tls, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  const heldCalls: HeldCalls = {
    size: () => held.size,
    step: () => {
      for (const { step } of held) step();
    },
    release: () => {
      for (const { end } of held) end();
      held.clear();
    },
  };
  return { name, port, seen, held: heldCalls, close: () => server.forceShutdown() };
}

/** What all kinds of calls have. */
interface AnyCall {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  readonly getDeadline: () => Deadline;
  readonly sendMetadata: (metadata: Metadata) => void;
  on(event: "cancelled", listener: () => void): unknown;
}

/** What a server sends. */
interface Reply {
  readonly text?: string | undefined;
  readonly payload?: Buffer | undefined;
  readonly count?: number;
}

/** Notes a call; what it gives begins the answer. */
type Begin = (method: string, call: AnyCall) => () => void;

function handlersOf(name: string, begin: Begin, held: Set<HeldCall>) {
  const released = (step: () => void): Promise<void> => new Promise((end) => held.add({ step, end }));
  return {
    async Unary(call: ServerUnaryCall<Ask, Reply>, done: sendUnaryData<Reply>) {
      const { text, payload, delay = 0, status = 0 } = call.request;
      const answer = begin("Unary", call);
      if (delay > 0) await sleep(delay);
      if (call.request.held === true) await released(() => {});
      if (status === 0) answer();
      if (status === 0) done(null, { text, payload }, trailers(name));
      else done({ code: status, details: "as asked: 100 % é", metadata: trailers(name) });
    },
    Collect(call: ServerReadableStream<Ask, Reply>, done: sendUnaryData<Reply>) {
      begin("Collect", call)();
      let count = 0;
      call.on("data", () => count++);
      call.on("end", () => done(null, { count }, trailers(name)));
    },
    async Spread(call: ServerWritableStream<Ask, Reply>) {
      begin("Spread", call)();
      const { count = 0, delay = 0 } = call.request;
      for (let index = 0; index < count; index++) {
        if (delay > 0) await sleep(delay);
        call.write({ count: index });
      }
      let next = count;
      if (call.request.held === true) await released(() => call.write({ count: next++ }));
      call.end(trailers(name));
    },
    Talk(call: ServerDuplexStream<Ask, Reply>) {
      begin("Talk", call)();
      call.on("data", ({ text }: Ask) => call.write({ text }));
      call.on("end", () => call.end(trailers(name)));
      call.on("error", () => {});
    },
  };
}
