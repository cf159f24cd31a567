/** The adapter's gRPC service: calls wait for their delay, and are applied one after the other as they came. */
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { NotThere, type States } from "./states.ts";
import { BadMessage, lengthDelimited, readClear, readResource, readSetState, SUCCESS } from "./wire.ts";

/** As the harness may send: large states in one call. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
/** Metadata entry that replaces the delay. */
const DELAY_ENTRY = "adapter-delay-ms";
/** Longest delay that is taken for meant. */
const MAX_DELAY_MS = 60_000;

interface Method {
  readonly apply: (states: States, request: Buffer) => void;
  readonly answer: Uint8Array;
}

const METHODS: Readonly<Record<string, Method>> = {
  SetState: { apply: (states, request) => states.set(readSetState(request)), answer: SUCCESS },
  ClearState: { apply: (states, request) => states.clear(readClear(request)), answer: lengthDelimited(1, "cleared") },
  UpdateResource: { apply: (states, request) => states.update(readResource(request)), answer: SUCCESS },
  AddResource: { apply: (states, request) => states.add(readResource(request)), answer: SUCCESS },
  RemoveResource: { apply: (states, request) => states.remove(readResource(request)), answer: SUCCESS },
};

/** A running service. */
export interface AdapterService {
  readonly port: number;
  close(): void;
}

/** Serves the calls on a port. `delayMs`: how long each waits when it does not say itself. */
export async function serveAdapter(
  states: States,
  options: { readonly address: string; readonly delayMs: number },
): Promise<AdapterService> {
  const server = new Server({ "grpc.max_receive_message_length": MAX_REQUEST_BYTES });
  let last: Promise<unknown> = Promise.resolve();

  /** In the order of arrival, whatever each waits for. */
  function inTurn(delay: number, work: () => void): Promise<void> {
    const result = Promise.all([last, waited(delay)]).then(work);
    last = result.catch(() => {});
    return result;
  }

  for (const [name, { apply, answer }] of Object.entries(METHODS)) {
    const call = async (request: Buffer, metadata: Metadata): Promise<void> =>
      inTurn(delayOf(metadata) ?? options.delayMs, () => apply(states, request));
    server.addService(definition(`/adapter.Adapter/${name}`), {
      handle: (unary: ServerUnaryCall<Buffer, Uint8Array>, reply: sendUnaryData<Uint8Array>) => {
        call(unary.request, unary.metadata).then(
          () => reply(null, answer),
          (error: unknown) => reply(statusOf(error)),
        );
      },
    });
  }
  const port = await bind(server, options.address);
  return { port, close: () => server.forceShutdown() };
}

function definition(path: string): ServiceDefinition {
  const pass = (bytes: Buffer): Buffer => bytes;
  const ways = { requestSerialize: pass, requestDeserialize: pass, responseDeserialize: pass };
  const responseSerialize = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
  return { handle: { path, requestStream: false, responseStream: false, ...ways, responseSerialize } };
}

function waited(milliseconds: number): Promise<void> {
  return milliseconds === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function delayOf(metadata: Metadata): number | null {
  const [text] = metadata.get(DELAY_ENTRY);
  if (text === undefined) return null;
  const delay = /^\d{1,9}$/.test(String(text)) ? Number(text) : Number.NaN;
  if (!(delay <= MAX_DELAY_MS)) throw new BadMessage(`${DELAY_ENTRY} is a number up to ${MAX_DELAY_MS}`);
  return delay;
}

function statusOf(error: unknown): { code: status; details: string } {
  const details = error instanceof Error ? error.message : String(error);
  if (error instanceof BadMessage) return { code: status.INVALID_ARGUMENT, details };
  if (error instanceof NotThere) return { code: status.NOT_FOUND, details };
  console.error(error);
  return { code: status.INTERNAL, details };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}
