/** What everything that is written for one listener depends on beside its own nodes. */
import type { AccessLogIr, HttpPortIr } from "../../ir/index.ts";
import type { TemplateSet } from "../../util/templates.ts";
import type { CallAnswerView } from "./grpc.ts";
import { isSameShape, type ListenerShape } from "./shape.ts";
import type { TurnNamer } from "./sharedTurns.ts";

/** A port, its name, its form, and what renders templates. */
export interface ListenerContext {
  readonly port: Pick<
    HttpPortIr,
    | "address"
    | "port"
    | "clientTimeouts"
    | "http2"
    | "http3"
    | "connectionLimit"
    | "proxyProtocol"
    | "via"
    | "tls"
    | "passed"
  >;
  /** The first listener of the socket. */
  readonly listener: string;
  readonly shape: ListenerShape;
  readonly apart: ApartClusters;
  /** Stands in the frontend; no node's text depends on it. */
  readonly accessLog: AccessLogIr | null;
  /** Each thread has a socket of its own; stands in the frontend likewise. */
  readonly sharded: boolean;
  /** Calls of gRPC come: what those are told that no rule takes; null: none come. */
  readonly notFound: CallAnswerView | null;
  /** A function of its arguments. */
  readonly turnName: TurnNamer;
  readonly section: TemplateSet["render"];
}

/** Clusters of which some rules have backends of their own: what must be changed by a rule to stand with the others (changePlan.ts). */
export type ApartClusters = ReadonlyMap<string, ReadonlySet<string>>;

/** Whether the same is written for the same nodes. */
export function isSameContext(a: ListenerContext, b: ListenerContext): boolean {
  const isSamePort =
    a.port.port === b.port.port &&
    (a.port.tls === null) === (b.port.tls === null) &&
    (a.port.http3 === null) === (b.port.http3 === null);
  const isSamePlace = a.listener === b.listener && isSamePort && a.notFound === b.notFound;
  return isSamePlace && isSameShape(a.shape, b.shape) && isSameApart(a.apart, b.apart);
}

function isSameApart(a: ApartClusters, b: ApartClusters): boolean {
  if (a === b) return true;
  const isSameSet = (things: ReadonlySet<string>, others: ReadonlySet<string> | undefined): boolean =>
    things.size === others?.size && [...things].every((thing) => others.has(thing));
  return a.size === b.size && [...a].every(([cluster, things]) => isSameSet(things, b.get(cluster)));
}
