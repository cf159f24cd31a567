/** The servers of one HTTP socket: of each group of hosts one, and inside TLS one for each set of certificates that is shown for them. */
import type { HttpPortIr } from "../../ir/index.ts";
import type { SocketLog } from "./accessLog.ts";
import { block, joinBlocks, NO_BLOCK } from "./blocks.ts";
import { forwardsCertificate } from "./clientAuthentication.ts";
import { clientTimeoutLines } from "./clientTimeouts.ts";
import { limitLines } from "./connectionLimit.ts";
import { gatedLines } from "./gatedFields.ts";
import type { HostMemory } from "./host.ts";
import { hostAndPort } from "./hostAndPort.ts";
import { http2Lines } from "./http2.ts";
import { quicListen } from "./http3.ts";
import { requestsSocket } from "./innerSockets.ts";
import type { Named, Parts } from "./parts.ts";
import type { AnswerField } from "./policies/policy.ts";
import { headerLines, innerHeader } from "./proxyProtocol.ts";
import { variable, word } from "./quote.ts";
import type { ListenOption } from "./sockets.ts";
import type { Served } from "./tls.ts";
import { viaGuard } from "./via.ts";
import type { Block, ServerView } from "./views.ts";
import { writtenFields } from "./writtenFields.ts";

/** What each server says of clients; null: nothing that is not usual. */
export function clientLines(port: HttpPortIr, http2InServers: boolean): Block | null {
  const {
    clientTimeouts,
    connectionLimit,
    proxyProtocol,
    passed,
    listeners: [name = ""],
  } = port;
  // What stands in front counts connections, and tells the client.
  const isInner = passed !== null;
  const lines = [
    isInner ? innerHeader : headerLines(name, proxyProtocol, "http"),
    clientTimeoutLines(clientTimeouts),
    isInner ? null : limitLines(name, connectionLimit),
    http2Lines(port, http2InServers),
  ].filter((own) => own !== null);
  return lines.length === 0 ? null : joinBlocks(lines);
}

/** The hostname that takes every host. */
export const ANY = "*";

/** Its address and port, or where the server that reads the server name hands on what is of HTTP. */
export function listen(port: HttpPortIr) {
  return word(port.passed === null ? hostAndPort(port.address, port.port) : requestsSocket(port));
}

/** Each connection begins with a PROXY header. */
export function hasHeader({ proxyProtocol, passed }: HttpPortIr): boolean {
  return proxyProtocol !== null || passed !== null;
}

/** Fields that answers may have. */
export function fieldViews(fields: readonly AnswerField[]): ServerView["answerFields"] {
  return fields.map(({ name, variable: own }) => ({ name: word(name), value: variable(own) }));
}

/** The blocks of what has names. */
export function blocksOf(named: readonly Named[]): readonly Block[] {
  return named.map(({ block: own }) => own);
}

/** nginx wants a name in every server; no request has this one. */
const NO_NAME = "_";

/** What stands before a server. */
export function mapsOf({ steps, splits }: Parts): Block {
  return joinBlocks(blocksOf([...steps, ...splits]));
}

/** The first one of a host has its maps. */
export function servers(
  port: HttpPortIr,
  memory: HostMemory,
  { served, ...place }: { readonly served: readonly Served[] } & ServerPlace,
): Block {
  return joinBlocks(
    served.map((own, index) => server(port, memory, { ...place, own, isFirst: index === 0 })),
    "\n",
  );
}

interface ServerPlace {
  readonly clientTimeouts: Block | null;
  readonly log: SocketLog | null;
  readonly options: readonly ListenOption[];
  /** Calls of gRPC come to the port. */
  readonly calls: boolean;
}

/** By which servers are known again. */
export function textOf(served: readonly Served[]): string {
  return served
    .map(({ hostnames, tls, misdirected }) => `${hostnames.join(" ")}\n${tls?.text ?? ""}${misdirected?.text ?? ""}`)
    .join("\n");
}

/** The names of a server, and its TLS. */
export function namedServer({ hostnames, tls, misdirected }: Served, options: readonly ListenOption[]) {
  const names = hostnames.filter((hostname) => hostname !== ANY);
  const [first = NO_NAME, ...others] = names;
  const isDefault = names.length < hostnames.length;
  return {
    isDefault,
    options: isDefault ? options : [],
    firstName: word(first),
    otherNames: others.map((hostname) => ({ name: word(hostname) })),
    tls,
    misdirected,
  };
}

function server(
  port: HttpPortIr,
  { host, gated, lowered: { isRaw, locations, parts } }: HostMemory,
  {
    clientTimeouts,
    log,
    options,
    calls,
    own,
    isFirst,
  }: ServerPlace & { readonly own: Served; readonly isFirst: boolean },
): Block {
  return block("server", {
    maps: isFirst ? mapsOf(parts) : NO_BLOCK,
    listen: listen(port),
    quic: quicListen(port),
    proxyProtocol: hasHeader(port),
    isTls: port.tls !== null,
    ...namedServer(own, options),
    clientTimeouts,
    accessLog: log?.directive ?? null,
    calls,
    isRaw,
    viaGuard: viaGuard(port.via),
    gated: gatedLines(
      gated,
      writtenFields({
        listener: port.listeners[0] ?? port.id,
        via: port.via,
        forwardsCertificate: forwardsCertificate(port, host),
      }),
    ),
    answerFields: fieldViews(parts.answerFields),
    locations: joinBlocks([locations, ...blocksOf(parts.named)]),
  });
}
