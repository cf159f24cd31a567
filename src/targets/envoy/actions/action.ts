/** What each file beside this one makes of an action. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { AffinityEntries } from "../affinity.ts";
import type { HashKeys } from "../hashPolicy.ts";
import { openMessage, writeNumber, writeText } from "../writer.ts";

/** Where a rule is served: redirects that keep the request's host need it, everything else does not. */
export interface RouteContext {
  /** Starts with `*` when it stands for many hosts. */
  readonly hostname: string;
  /** The listener's port. */
  readonly port: number;
  /** Inside TLS. */
  readonly isTls: boolean;
  /** How long its clients may pause in a body or an answer. */
  readonly clientSilenceMs: number;
  /** Routes say whose they are: the fleet has an access log. */
  readonly isLogged: boolean;
  /** What the port calls itself in Via; null: it does not guard. */
  readonly via: string | null;
  /** What clusters are hashed by. */
  readonly hashKeys: HashKeys;
  /** Clusters that speak HTTP/2. */
  readonly http2: ReadonlySet<string>;
  /** What keeps clients on endpoints of clusters. */
  readonly affinity: AffinityEntries;
}

/** One Route of a rule; most rules have one. */
export interface RouteForm {
  /** A regex for the Host header, beside what the rule asks for; null: any. */
  readonly authority: string | null;
  /** Or else Envoy answers. */
  readonly isForwarded: boolean;
  /** Adds the action to the open Route. */
  readonly write: (writer: BinaryWriter) => void;
}

/** Numbers in Route, DirectResponseAction and DataSource. */
const ROUTE_DIRECT_RESPONSE = 7;
const DIRECT_RESPONSE = { status: 1, body: 2 } as const;
const DATA_SOURCE_INLINE_STRING = 3;

/** Adds an answer of Envoy's own to the open Route. */
export function writeDirectResponse(writer: BinaryWriter, status: number, body: string): void {
  openMessage(writer, ROUTE_DIRECT_RESPONSE);
  writeNumber(writer, DIRECT_RESPONSE.status, status);
  if (body !== "") {
    openMessage(writer, DIRECT_RESPONSE.body);
    writeText(writer, DATA_SOURCE_INLINE_STRING, body);
    writer.join();
  }
  writer.join();
}
