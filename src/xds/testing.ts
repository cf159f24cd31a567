/** A gRPC client driven by hand, for this room's tests: it sends what a test says and nothing else. */
import { create, fromBinary, type Message, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Client, type ClientDuplexStream, credentials, type ServiceError } from "@grpc/grpc-js";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  type Resource,
  ResourceSchema,
} from "../gen/proto/envoy/service/discovery/v3/discovery_pb.js";
import { createXdsServer, type XdsResource, type XdsServer, type XdsServerOptions, type XdsView } from "./index.ts";
import { CLUSTER, DISCOVERY_METHODS, ENDPOINT, FULL_STATE_TYPES, LISTENER, ROUTE } from "./resourceTypes.ts";

export type Delta = MessageInitShape<typeof DeltaDiscoveryRequestSchema>;
export type Sotw = MessageInitShape<typeof DiscoveryRequestSchema>;

/** One of the four ways to speak xDS. */
export interface Variant {
  readonly delta: boolean;
  readonly ads: boolean;
}
export const VARIANTS: readonly Variant[] = [
  { delta: false, ads: true },
  { delta: false, ads: false },
  { delta: true, ads: true },
  { delta: true, ads: false },
];

/** Both kinds of response in one shape. */
export interface Seen {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  readonly identifier: string;
  readonly resources: readonly { name: string; version: string; bytes: Buffer }[];
  readonly names: readonly string[];
  readonly removed: readonly string[];
  /** Delta, and state of the world with wrappers: what stands around each resource. */
  readonly wrappers: readonly Wrapper[];
  /** Names in `resource_errors`. */
  readonly missing: readonly string[];
  readonly size: number;
}

/** A `Resource` without its content. */
export interface Wrapper {
  readonly name: string;
  readonly version: string;
  readonly aliases: readonly string[];
  readonly ttlMs: number | null;
  readonly hollow: boolean;
}

export const NODE = { id: "n1", cluster: "edge", userAgentName: "envoy" };

/** A resource whose content starts with its name, so that a test can read the name from the bytes. */
export function resource(typeUrl: string, name: string, content = "1"): XdsResource {
  return { typeUrl, name, bytes: Buffer.from(`${name}|${content}`), version: content.slice(0, 16), refs: [] };
}

/** The same resource, naming clusters. */
export function naming(entry: XdsResource, ...clusters: string[]): XdsResource {
  return { ...entry, refs: clusters.map((name) => [CLUSTER, name] as const) };
}

export function viewOf(...resources: XdsResource[]): XdsView {
  const view = new Map<string, Map<string, XdsResource>>();
  for (const entry of resources) {
    const type = view.get(entry.typeUrl) ?? new Map<string, XdsResource>();
    view.set(entry.typeUrl, type.set(entry.name, entry));
  }
  return view;
}

/** An object whose `set` replaces the fleet `edge`; type maps that did not change stay the same object, as the contract asks. */
export function fleet(server: XdsServer): { set(...resources: XdsResource[]): void; revision: number } {
  let last: XdsView = new Map();
  return {
    revision: 0,
    set(...resources) {
      const next = new Map(viewOf(...resources));
      for (const [typeUrl, map] of last) {
        const now = next.get(typeUrl);
        if (now?.size === map.size && [...now].every(([name, entry]) => map.get(name) === entry))
          next.set(typeUrl, map);
      }
      last = next;
      this.revision += 1;
      server.setView("edge", next, this.revision);
    },
  };
}

export async function startServer(
  options: Partial<XdsServerOptions> = {},
): Promise<{ server: XdsServer; address: string }> {
  const server = createXdsServer({ identifier: "trimtab/test", ...options });
  return { server, address: await server.listen("127.0.0.1:0") };
}

export interface TestStream {
  readonly delta: boolean;
  send(request: Sotw | Delta): void;
  /** The next response, or fails after the time. */
  next(milliseconds?: number): Promise<Seen>;
  /** Fails when something comes within the time. */
  silence(milliseconds?: number): Promise<void>;
  /** How the stream ended; fails when it does not. */
  ended(): Promise<{ code: number; details: string }>;
  readonly received: Seen[];
  pause(): void;
  resume(): void;
  halfClose(): void;
  cancel(): void;
}

export interface TestClient {
  stream(variant: Variant, typeUrl?: string): TestStream;
  close(): void;
}

export function connect(
  address: string,
  options: Record<string, number> = {},
  channel = credentials.createInsecure(),
): TestClient {
  const client = new Client(address, channel, {
    "grpc.max_receive_message_length": -1,
    "grpc.use_local_subchannel_pool": 1,
    ...options,
  });
  return {
    stream(variant, typeUrl) {
      const wanted = variant.ads ? null : typeUrl;
      const method = DISCOVERY_METHODS.find((entry) => entry.delta === variant.delta && entry.typeUrl === wanted)!;
      const pass = (bytes: Buffer): Buffer => bytes;
      return driveStream(client.makeBidiStreamRequest(method.path, pass, pass), variant.delta);
    },
    close: () => client.close(),
  };
}

function driveStream(call: ClientDuplexStream<Buffer, Buffer>, delta: boolean): TestStream {
  const received: Seen[] = [];
  let read = 0;
  let status: { code: number; details: string } | null = null;
  let changed = (): void => {};
  call.on("data", (bytes: Buffer) => {
    received.push(delta ? readDelta(bytes) : readSotw(bytes));
    changed();
  });
  call.on("status", (end: { code: number; details: string }) => {
    status = end;
    changed();
  });
  call.on("error", (_error: ServiceError) => {});
  async function until(done: () => boolean, milliseconds: number): Promise<boolean> {
    const end = Date.now() + milliseconds;
    while (!done()) {
      const left = end - Date.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }
  return {
    delta,
    received,
    send(request) {
      const bytes = delta
        ? toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request as Delta))
        : toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request as Sotw));
      call.write(Buffer.from(bytes));
    },
    async next(milliseconds = 20_000) {
      if (!(await until(() => received.length > read, milliseconds))) {
        throw new Error(`no response came in ${milliseconds} ms (stream status: ${JSON.stringify(status)})`);
      }
      read += 1;
      return received[read - 1]!;
    },
    async silence(milliseconds = 150) {
      if (await until(() => received.length > read, milliseconds)) {
        const seen = received[read]!;
        throw new Error(`expected silence, got ${seen.typeUrl} ${seen.names.join()} -${seen.removed.join()}`);
      }
    },
    async ended() {
      if (!(await until(() => status !== null, 3_000))) throw new Error("the stream did not end");
      return status!;
    },
    pause: () => void call.pause(),
    resume: () => void call.resume(),
    halfClose: () => void call.end(),
    cancel: () => call.cancel(),
  };
}

/** Reads an encoded response. */
export function readResponse(bytes: Buffer, delta: boolean): Seen {
  return delta ? readDelta(bytes) : readSotw(bytes);
}

const WRAPPER = "type.googleapis.com/envoy.service.discovery.v3.Resource";

function readSotw(bytes: Buffer): Seen {
  const message = fromBinary(DiscoveryResponseSchema, bytes);
  const wrapped: Resource[] = [];
  const resources = message.resources.flatMap((any) => {
    if (any.typeUrl !== WRAPPER) return [entry(any.value, "")];
    const wrapper = fromBinary(ResourceSchema, any.value);
    wrapped.push(wrapper);
    return wrapper.resource === undefined ? [] : [entry(wrapper.resource.value, wrapper.version)];
  });
  const missing = unknownFields(message, ERRORS_FIELD).map(nameInError);
  const rest = { resources, names: namesOf(resources), removed: [], wrappers: wrapped.map(wrapperOf), missing };
  return { ...common(message, bytes), version: message.versionInfo, ...rest };
}

function readDelta(bytes: Buffer): Seen {
  const message = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  const full = message.resources.filter((wrapped) => wrapped.resource !== undefined);
  const resources = full.map((wrapped) => entry(wrapped.resource!.value, wrapped.version));
  const names = full.map((wrapped) => wrapped.name);
  const version = message.systemVersionInfo;
  const rest = { removed: message.removedResources, wrappers: message.resources.map(wrapperOf), missing: [] };
  return { ...common(message, bytes), version, resources, names, ...rest };
}

/** `resource_errors` of DiscoveryResponse, which the protos that we have do not know. */
const ERRORS_FIELD = 7;

function unknownFields(message: Message, number: number): Uint8Array[] {
  return (message.$unknown ?? []).flatMap(({ no, data }) => (no === number ? [new BinaryReader(data).bytes()] : []));
}

/** `{ resource_name { name }, … }` */
function nameInError(error: Uint8Array): string {
  const outer = new BinaryReader(error);
  outer.tag();
  const inner = new BinaryReader(outer.bytes());
  inner.tag();
  return inner.string();
}

function common(
  message: { typeUrl: string; nonce: string; controlPlane?: { identifier: string } | undefined },
  bytes: Buffer,
): { typeUrl: string; nonce: string; identifier: string; size: number } {
  const identifier = message.controlPlane?.identifier ?? "";
  return { typeUrl: message.typeUrl, nonce: message.nonce, identifier, size: bytes.length };
}

function wrapperOf(wrapped: Resource): Wrapper {
  const { name, version, aliases, ttl, resource: content } = wrapped;
  return { name, version, aliases, ttlMs: ttl === undefined ? null : durationMs(ttl), hollow: content === undefined };
}

function entry(value: Uint8Array, version: string): Seen["resources"][number] {
  const bytes = Buffer.from(value);
  return { name: bytes.subarray(0, bytes.indexOf("|")).toString(), version, bytes };
}

function namesOf(resources: Seen["resources"]): string[] {
  return resources.map((seen) => seen.name);
}

/** One type's subscription, the same to write for all four variants. */
export interface Subscriber {
  /** The names wanted from now on. `"*"` is the wildcard. */
  want(...names: string[]): void;
  /** A first request without names: the old way to say "everything". */
  wantAll(known?: { versions?: Record<string, string>; version?: string }): void;
  ack(seen: Seen): void;
  nack(seen: Seen, message?: string): void;
}

export function subscriber(
  stream: Pick<TestStream, "delta" | "send">,
  typeUrl: string,
  node: object | null = NODE,
): Subscriber {
  let names: string[] = [];
  let version = "";
  let nonce = "";
  let first = true;
  function send(fields: Delta & Sotw): void {
    stream.send({ typeUrl, ...(first && node !== null ? { node } : {}), ...fields });
    first = false;
  }
  function answer(seen: Seen, error?: string): void {
    nonce = seen.nonce;
    if (error === undefined) version = seen.version;
    const errorDetail = error === undefined ? {} : { errorDetail: { code: 3, message: error } };
    if (stream.delta) send({ responseNonce: nonce, ...errorDetail });
    else send({ resourceNames: names, versionInfo: version, responseNonce: nonce, ...errorDetail });
  }
  return {
    want(...next) {
      const subscribe = next.filter((name) => !names.includes(name));
      const unsubscribe = names.filter((name) => !next.includes(name));
      names = next;
      if (stream.delta) send({ resourceNamesSubscribe: subscribe, resourceNamesUnsubscribe: unsubscribe });
      else send({ resourceNames: next, versionInfo: version, responseNonce: nonce });
    },
    wantAll(known = {}) {
      if (stream.delta) send({ initialResourceVersions: known.versions ?? {} });
      else send({ versionInfo: known.version ?? "" });
    },
    ack: (seen) => answer(seen),
    nack: (seen, message = "no") => answer(seen, message),
  };
}

export { CLUSTER, ENDPOINT, FULL_STATE_TYPES, LISTENER, ROUTE };
