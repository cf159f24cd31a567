/** For tests: what gRPC's own xDS client (@grpc/grpc-js-xds) is started with, asks for, and its backends. */
import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { register } from "@grpc/grpc-js-xds";
import { ListenerSchema } from "../gen/proto/envoy/config/listener/v3/listener_pb.js";
import type { XdsResource } from "./index.ts";
import { LISTENER, ROUTE } from "./testing.ts";
import { encode, httpFilter } from "./testingEnvoy.ts";

/** The option under which grpc-js-xds takes a bootstrap for one channel. */
const BOOTSTRAP_OPTION = "grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config";
/** A call that takes longer has failed. */
const CALL_MS = 5_000;

const pass = (bytes: Buffer): Buffer => bytes;

/** A backend that answers calls of these paths with a text. */
export async function grpcBackend(
  text: string,
  paths: readonly string[],
): Promise<{ port: number; close: () => void }> {
  const server = new Server();
  for (const path of paths) {
    const handle = (_call: unknown, reply: (error: null, value: Buffer) => void): void =>
      reply(null, Buffer.from(text));
    server.register(path, handle, pass, pass, "unary");
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return { port, close: () => server.forceShutdown() };
}

/** A client of `xds:///<service>`. `ask` gives the text of an answer, else the error. */
export interface GrpcXdsClient {
  ask(path: string): Promise<string>;
  close(): void;
}

/** A client with a bootstrap of its own. */
export function connectGrpc(service: string, xdsAddress: string): GrpcXdsClient {
  register();
  const bootstrap = {
    xds_servers: [{ server_uri: xdsAddress, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] }],
    node: { id: "grpc-1", cluster: "edge", locality: {} },
  };
  const client = new Client(`xds:///${service}`, credentials.createInsecure(), {
    [BOOTSTRAP_OPTION]: JSON.stringify(bootstrap),
  });
  return {
    ask: (path) =>
      new Promise((resolve) => {
        const options = { deadline: Date.now() + CALL_MS };
        client.makeUnaryRequest(path, pass, pass, Buffer.alloc(0), options, (error, value?: Buffer) => {
          resolve(error === null ? value!.toString() : error.message);
        });
      }),
    close: () => client.close(),
  };
}

/** What a client asks for first: a service, with its routes by name. */
export function apiListener(name: string, routeName: string, statPrefix?: string): XdsResource {
  const init = { name, apiListener: { apiListener: httpFilter(routeName, { statPrefix }) } };
  return encode(ListenerSchema, init, { typeUrl: LISTENER, name, refs: [[ROUTE, routeName]] });
}
