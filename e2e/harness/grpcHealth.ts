/** A gRPC server with the standard health service, whose answers tests choose. */
import { Server, ServerCredentials, status } from "@grpc/grpc-js";

/** A running server. */
export interface GrpcHealth {
  readonly port: number;
  /** From now on the service (the empty one: the server as a whole) is SERVING or NOT_SERVING. Others are unknown. */
  readonly set: (service: string, serving: boolean) => void;
  readonly close: () => Promise<void>;
}

/** `HealthCheckResponse` of grpc.health.v1: field 1 with SERVING or NOT_SERVING. */
const answerOf = (serving: boolean): Buffer => Buffer.from([0x08, serving ? 1 : 2]);

/** An object, for the library takes an empty string for no request at all. */
interface Request {
  readonly service: string;
}

const check = {
  path: "/grpc.health.v1.Health/Check",
  requestStream: false,
  responseStream: false,
  requestSerialize: ({ service }: Request) => Buffer.from(service),
  // `HealthCheckRequest`: nothing, or field 1 with a length of one byte
  requestDeserialize: (bytes: Buffer): Request => ({ service: bytes.subarray(2).toString("utf8") }),
  responseSerialize: answerOf,
  responseDeserialize: (bytes: Buffer) => bytes[1] === 1,
} as const;

/** On a free port of loopback and in the clear, unless it is told where and how. */
export async function startGrpcHealth(
  place = "127.0.0.1:0",
  tls = ServerCredentials.createInsecure(),
): Promise<GrpcHealth> {
  const services = new Map<string, boolean>();
  const server = new Server();
  server.addService(
    { check },
    {
      check: (
        call: { readonly request: Request },
        done: (error: { readonly code: status } | null, serving?: boolean) => void,
      ) => {
        const serving = services.get(call.request.service);
        if (serving === undefined) done({ code: status.NOT_FOUND });
        else done(null, serving);
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(place, tls, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return {
    port,
    set: (service, serving) => void services.set(service, serving),
    close: async () => server.forceShutdown(),
  };
}
