/**
 * Calls of gRPC: they are forwarded by a module of their own, whose directives are named like those of other requests, and told nginx's
 * own errors by a status of gRPC. What is the same for every fleet with calls stands in two files.
 */
import {
  CONNECT_TRIES,
  GRPC_ANSWERS,
  GRPC_CONTENT,
  type GrpcAnswer,
  type HttpPortIr,
  REASON_BODIES,
} from "../../ir/index.ts";
import { block, inline } from "./blocks.ts";
import { KEPT_BY_NGINX, USUAL_CONNECT_MS } from "./common.ts";
import { USUAL_IDLE_MS } from "./policies/timeouts.ts";
import { mapEntries, mapEntry, mapRegexKey, milliseconds, namedLocation, type Part, param, word } from "./quote.ts";
import type { Block } from "./views.ts";

/** Whether calls come to the port. */
export function takesCalls({ virtualHosts }: Pick<HttpPortIr, "virtualHosts">): boolean {
  return virtualHosts.some(({ rules }) => rules.some(({ protocol }) => protocol === "grpc"));
}

/** The directive that ends a location of calls. `again`: the request no longer has its path. */
export function forwardCall(target: readonly [scheme: string, upstream: Part], again: boolean): Block {
  return inline("grpcForward", { again, target: param(...target) });
}

/** Errors that calls are told, in every location that they end in. */
export const callErrors: Block = block("grpcErrors", {});

/** Statuses of HTTP that are told so: nothing is found, and what goes wrong with endpoints. */
const TOLD = [404, 502, 503, 504];

const answers = TOLD.map((status) => {
  const { status: own, message } = GRPC_ANSWERS[status] as GrpcAnswer;
  return { name: namedLocation(`@-call-${status}`), status: word(own), message: param(message) };
});

/** The two files, by path. */
export const grpcFiles: ReadonlyMap<string, string> = new Map([
  [
    "grpc.conf",
    block("grpcCommon", {
      tries: word(CONNECT_TRIES),
      idleTimeout: milliseconds(USUAL_IDLE_MS),
      connectTimeout: milliseconds(USUAL_CONNECT_MS),
      passed: KEPT_BY_NGINX.map((name) => ({ name: word(name) })),
      calls: mapEntries([mapEntry(mapRegexKey(`^${GRPC_CONTENT}$`), param("@-call-404"))]),
    }).text,
  ],
  ["grpc-server.conf", block("grpcServer", { notFound: param(REASON_BODIES[404] as string), answers }).text],
]);
