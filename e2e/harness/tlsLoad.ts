/** Requests inside TLS to one place, one after the other, for as long as it takes; which handshakes and which of them failed. */
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect, type TLSSocket } from "node:tls";
import { MAX_REASONS, PATIENCE_MS, type Requests, repeated } from "./load.ts";
import { connectionOn } from "./rawHttp.ts";

/** Where requests go, and whom clients trust there. */
export interface TlsPlace {
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  readonly authority: string;
}

export interface TlsClient {
  readonly protocol: "http/1.1" | "h2";
  /** Over one connection as long as it lasts; else each request over its own. */
  readonly isKept: boolean;
}

export interface TlsRequests extends Requests {
  readonly handshakes: number;
  readonly failedHandshakes: number;
  /** Requests that the proxy said it had not touched when it ended a connection of HTTP/2 (REFUSED_STREAM): sent again. */
  readonly refused: number;
}

/** A connection. `ask` gives null, or why it failed. */
interface Link {
  readonly isOpen: () => boolean;
  readonly ask: () => Promise<string | null>;
  readonly close: () => void;
}

/** What `ask` of HTTP/2 gives for a request that was not looked at. */
const REFUSED = "refused";

/** Shakes hands as a client that trusts the authority and nobody else; rejects when it may not trust, or there is none. */
export function shakeHands({ host, port, serverName, authority }: TlsPlace, protocol: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const names = { servername: serverName, ca: authority, ALPNProtocols: [protocol] };
    const socket = connect({ host, port, ...names, timeout: PATIENCE_MS });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.once("error", fail);
    socket.once("close", () => reject(new Error("closed before the handshake was done")));
    socket.once("timeout", () => fail(new Error("no handshake in time")));
    socket.once("secureConnect", () => {
      socket.off("error", fail);
      socket.on("error", () => {});
      socket.setTimeout(0);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

/** Begins at once. */
export function tlsLoad(
  place: TlsPlace,
  { protocol, isKept }: TlsClient,
): { readonly stop: () => Promise<TlsRequests> } {
  const counts = { sent: 0, failed: 0, handshakes: 0, failedHandshakes: 0, refused: 0 };
  const reasons: string[] = [];
  const note = (reason: string): void => {
    if (reasons.length < MAX_REASONS) reasons.push(reason);
  };
  let link: Link | null = null;
  const linked = async (): Promise<Link | null> => {
    if (link?.isOpen() === true) return link;
    counts.handshakes++;
    try {
      const socket = await shakeHands(place, protocol);
      return protocol === "h2" ? http2Link(socket, place) : http1Link(socket, place);
    } catch (error) {
      counts.failedHandshakes++;
      note(`handshake: ${(error as Error).message}`);
      return null;
    }
  };
  const one = async (): Promise<void> => {
    link = await linked();
    if (link === null) return;
    const reason = await link.ask();
    if (reason === REFUSED) {
      counts.refused++;
      link.close();
      return one();
    }
    counts.sent++;
    if (reason !== null) {
      counts.failed++;
      note(reason);
    }
    if (!isKept || reason !== null) link.close();
  };
  const end = repeated(one);
  return {
    stop: async () => {
      await end();
      link?.close();
      return { ...counts, reasons };
    },
  };
}

function http1Link(socket: TLSSocket, { serverName }: TlsPlace): Link {
  const connection = connectionOn(socket);
  let isOpen = true;
  for (const event of ["end", "close", "error"]) socket.on(event, () => (isOpen = false));
  return {
    isOpen: () => isOpen,
    ask: async () => {
      try {
        const { status, headers } = await connection.request({ path: "/", host: serverName });
        if (headers.some(([name, value]) => name.toLowerCase() === "connection" && value === "close")) isOpen = false;
        return status === 200 ? null : `status ${status}`;
      } catch (error) {
        return (error as Error).message;
      }
    },
    close: () => connection.close(),
  };
}

function http2Link(socket: TLSSocket, { serverName }: TlsPlace): Link {
  const session = connectHttp2(`https://${serverName}`, { createConnection: () => socket });
  let isOpen = true;
  for (const event of ["goaway", "close", "error"] as const) session.on(event, () => (isOpen = false));
  return {
    isOpen: () => isOpen && !session.closed && !session.destroyed,
    ask: () => askHttp2(session),
    close: () => session.destroy(),
  };
}

function askHttp2(session: ClientHttp2Session): Promise<string | null> {
  return new Promise((resolve) => {
    const stream = session.request({ ":path": "/" });
    let status = 0;
    stream.setTimeout(PATIENCE_MS, () => stream.close(constants.NGHTTP2_CANCEL));
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
    });
    stream.resume();
    let reason = "";
    stream.on("error", ({ message }) => {
      reason = message;
    });
    stream.on("close", () => {
      if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM && status === 0) resolve(REFUSED);
      else if (status === 200 && stream.rstCode === constants.NGHTTP2_NO_ERROR) resolve(null);
      else resolve(`HTTP/2: status ${status}, code ${stream.rstCode} ${reason}`);
    });
  });
}
