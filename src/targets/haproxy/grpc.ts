/** Calls of gRPC: HAProxy's own errors as statuses of gRPC, and the client's deadline as a limit on silence. */
import { GRPC_ANSWERS, GRPC_CONTENT, type GrpcAnswer, type HttpPortIr } from "../../ir/index.ts";
import { fullMatch } from "../../regex/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { name, number, text, word } from "./quote.ts";

/** What a call is told. */
export interface CallAnswerView {
  readonly status: Quoted<"number">;
  readonly message: Quoted<"text">;
}

/** Whether calls come to the port. */
export function takesCalls({ virtualHosts }: Pick<HttpPortIr, "virtualHosts">): boolean {
  return virtualHosts.some(({ rules }) => rules.some(({ protocol }) => protocol === "grpc"));
}

function answerView({ status, message }: GrpcAnswer): CallAnswerView {
  return { status: number(status), message: text(message) };
}

/** Where no rule takes a call. */
export const callNotFound: CallAnswerView = answerView(GRPC_ANSWERS[404] as GrpcAnswer);

/** Where a rule has no endpoint at all. */
export const callUnavailable: CallAnswerView = answerView(GRPC_ANSWERS[503] as GrpcAnswer);

/** `grpcFrontend.hbs`. */
export const grpcFrontend = { content: word(fullMatch(GRPC_CONTENT)) };

/** Units of `grpc-timeout`, and what makes milliseconds of each: a whole one is not made shorter. */
const UNITS = [
  { unit: "H", times: 3_600_000, parts: null },
  { unit: "M", times: 60_000, parts: null },
  { unit: "S", times: 1000, parts: null },
  { unit: "m", times: null, parts: null },
  { unit: "u", times: null, parts: 1000 },
  { unit: "n", times: null, parts: 1_000_000 },
] as const;

/** Statuses that HAProxy answers by itself where a request is forwarded. */
const TOLD = [400, 403, 404, 405, 408, 500, 502, 503, 504];

/** `grpcDefaults.hbs`. */
export const grpcDefaults = {
  units: UNITS.map(({ unit, times, parts }) => ({
    unit: name(unit),
    times: times === null ? null : number(times),
    parts: parts === null ? null : number(parts),
  })),
  answers: TOLD.map((status) => ({ of: number(status), ...answerView(GRPC_ANSWERS[status] as GrpcAnswer) })),
};
