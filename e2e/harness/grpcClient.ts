/** Clients of the gRPC server beside this file, and of server reflection: grpc-js. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import {
  type CallOptions,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type Client as RawClient,
  type ServiceClientConstructor,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { type Answer, type Ask, LARGE, type ServiceName, services } from "./grpcEcho.ts";

/** What came of a call: its first metadata, messages, status. */
export interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly answers: readonly Answer[];
  readonly first: Metadata;
  readonly last: Metadata;
}

/** How a call is made. */
export interface CallSettings {
  readonly metadata?: Readonly<Record<string, string>>;
  /** Milliseconds from now. */
  readonly within?: number;
}

/** A client with connections of its own. */
export interface EchoClient {
  readonly unary: (ask: Ask, settings?: CallSettings) => Promise<Outcome>;
  /** The same of a service with another name. */
  readonly other: (ask: Ask) => Promise<Outcome>;
  /** And of one that no route takes. */
  readonly unrouted: (ask: Ask) => Promise<Outcome>;
  readonly collect: (asks: readonly Ask[], settings?: CallSettings) => Promise<Outcome>;
  readonly spread: (ask: Ask, settings?: CallSettings) => Promise<Outcome>;
  readonly talk: (settings?: CallSettings) => Talk;
  /** A call of that kind which stays open. */
  readonly hold: (kind: HeldKind, settings?: CallSettings) => Held;
  readonly close: () => void;
}

/** A call that stays. */
export interface Talk {
  readonly stream: ClientDuplexStream<Ask, Answer>;
  /** Sends a text, and waits until it comes back. */
  readonly say: (text: string) => Promise<void>;
  readonly outcome: Promise<Outcome>;
}

export const HELD_KINDS = ["unary", "collect", "spread", "talk"] as const;
export type HeldKind = (typeof HELD_KINDS)[number];

/** A call of any kind that stays until it is ended, or its server is told to. */
export interface Held {
  readonly kind: HeldKind;
  /** A message each way that the kind has; what the server sends by itself it is told to before. Rejects when the call has ended. */
  readonly step: () => Promise<void>;
  readonly end: () => void;
  readonly outcome: Promise<Outcome>;
}

interface Methods {
  Unary(ask: Ask, metadata: Metadata, options: CallOptions, done: Done): AnyStream;
  Collect(metadata: Metadata, options: CallOptions, done: Done): ClientWritableStream<Ask>;
  Spread(ask: Ask, metadata: Metadata, options: CallOptions): ClientReadableStream<Answer>;
  Talk(metadata: Metadata, options: CallOptions): ClientDuplexStream<Ask, Answer>;
}
type Done = (error: ServiceError | null, answer?: Answer) => void;
interface AnyStream {
  on(event: "metadata", listener: (metadata: Metadata) => void): unknown;
  on(event: "status", listener: (status: StatusObject) => void): unknown;
}

/** Calls to a proxy, or to a server itself; `host` is the authority that it is asked for, and the server name where there is TLS. */
export function echoClient(target: string, host: string, tls = credentials.createInsecure()): EchoClient {
  const named = tls._isSecure() ? { "grpc.ssl_target_name_override": host } : {};
  const options = { ...LARGE, ...named, "grpc.default_authority": host, "grpc.use_local_subchannel_pool": 1 };
  const make = (service: ServiceName) => new services[service](target, tls, options) as unknown as RawClient & Methods;
  const [echo, other, unrouted] = [make("Echo"), make("Other"), make("Unrouted")];
  const unary = (client: Methods) => (ask: Ask, settings?: CallSettings) => {
    const answers: Answer[] = [];
    const call = client.Unary(ask, ...how(settings), (_error, answer) => void (answer && answers.push(answer)));
    return outcomeOf(call, answers);
  };
  return {
    unary: unary(echo),
    other: unary(other),
    unrouted: unary(unrouted),
    collect: (asks, settings) => {
      const answers: Answer[] = [];
      const call = echo.Collect(...how(settings), (_error, answer) => void (answer && answers.push(answer)));
      for (const ask of asks) call.write(ask);
      call.end();
      return outcomeOf(call, answers);
    },
    spread: (ask, settings) => streamed(echo.Spread(ask, ...how(settings))),
    talk: (settings) => talkOn(echo.Talk(...how(settings))),
    hold: (kind, settings) => heldOn(echo, kind, how(settings)),
    close: () => {
      echo.close();
      other.close();
      unrouted.close();
    },
  };
}

function heldOn(echo: Methods, kind: HeldKind, [metadata, options]: [Metadata, CallOptions]): Held {
  const answers: Answer[] = [];
  const done: Done = (_error, answer) => void (answer && answers.push(answer));
  const nothing = (): void => {};
  switch (kind) {
    case "unary": {
      const outcome = outcomeOf(echo.Unary({ held: true }, metadata, options, done), answers);
      return { kind, outcome, step: () => unlessEnded(outcome, Promise.resolve()), end: nothing };
    }
    case "collect": {
      const stream = echo.Collect(metadata, options, done);
      stream.on("error", nothing);
      const outcome = outcomeOf(stream, answers);
      const written = (): Promise<void> => new Promise((resolve) => stream.write({}, () => resolve()));
      return { kind, outcome, step: () => unlessEnded(outcome, written()), end: () => stream.end() };
    }
    case "spread": {
      const stream = echo.Spread({ held: true }, metadata, options);
      let [come, asked, tell] = [0, 0, nothing];
      stream.on("data", () => {
        come++;
        tell();
      });
      const outcome = streamed(stream);
      const step = (): Promise<void> => {
        asked++;
        const next = new Promise<void>((resolve) => {
          tell = () => void (come >= asked && resolve());
          tell();
        });
        return unlessEnded(outcome, next);
      };
      return { kind, outcome, step, end: nothing };
    }
    case "talk": {
      const { stream, say, outcome } = talkOn(echo.Talk(metadata, options));
      return { kind, outcome, step: () => say("more"), end: () => stream.end() };
    }
  }
}

/** Rejects when a call ends before something is done. */
function unlessEnded<T>(outcome: Promise<Outcome>, work: Promise<T>): Promise<T> {
  const ended = outcome.then(({ code, details }) => {
    throw new Error(`the call ended: ${code} ${details}`);
  });
  ended.catch(() => {});
  return Promise.race([ended, work]);
}

function how({ metadata = {}, within }: CallSettings = {}): [Metadata, CallOptions] {
  const all = new Metadata();
  for (const [name, value] of Object.entries(metadata)) all.set(name, value);
  return [all, within === undefined ? {} : { deadline: Date.now() + within }];
}

function outcomeOf(call: AnyStream, answers: readonly Answer[]): Promise<Outcome> {
  let first = new Metadata();
  call.on("metadata", (metadata: Metadata) => {
    first = metadata;
  });
  return new Promise((resolve) => {
    call.on("status", ({ code, details, metadata }: StatusObject) =>
      resolve({ code, details, answers, first, last: metadata }),
    );
  });
}

function streamed(call: ClientReadableStream<Answer>): Promise<Outcome> {
  const answers: Answer[] = [];
  call.on("data", (answer: Answer) => answers.push(answer));
  call.on("error", () => {});
  return outcomeOf(call, answers);
}

function talkOn(stream: ClientDuplexStream<Ask, Answer>): Talk {
  const waiting: ((answer: Answer) => void)[] = [];
  stream.on("data", (answer: Answer) => waiting.shift()?.(answer));
  const outcome = streamed(stream);
  return {
    stream,
    outcome,
    async say(text) {
      const back = new Promise<Answer>((resolve) => waiting.push(resolve));
      stream.write({ text });
      const { text: got } = await unlessEnded(outcome, back);
      if (got !== text) throw new Error(`${text} came back as ${got}`);
    },
  };
}

const reflection = join(
  dirname(createRequire(import.meta.url).resolve("@grpc/reflection")),
  "../proto/grpc/reflection/v1/reflection.proto",
);

interface Reflection {
  ServerReflectionInfo(): ClientDuplexStream<{ list_services: string }, ServiceList>;
}
interface ServiceList {
  readonly list_services_response: { readonly service: readonly { readonly name: string }[] };
}

/** The services that a server tells of itself by reflection, ascending. */
export async function reflectedServices(target: string, host: string): Promise<readonly string[]> {
  const loaded = loadPackageDefinition(loadSync(reflection, { keepCase: true })) as unknown as {
    readonly grpc: { readonly reflection: { readonly v1: { readonly ServerReflection: ServiceClientConstructor } } };
  };
  const options = { "grpc.default_authority": host };
  const client = new loaded.grpc.reflection.v1.ServerReflection(target, credentials.createInsecure(), options);
  const call = (client as unknown as Reflection).ServerReflectionInfo();
  try {
    const answer = await new Promise<ServiceList>((resolve, reject) => {
      call.on("data", resolve);
      call.on("error", reject);
      call.write({ list_services: "*" });
    });
    return answer.list_services_response.service.map(({ name }) => name).sort();
  } finally {
    call.end();
    client.close();
  }
}
