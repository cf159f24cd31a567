/** The port: plaintext on this machine, or TLS with certificates that are read again when they change. */
import type { Server } from "node:net";
import type { TLSSocket } from "node:tls";
import { isLoopback, splitAddress } from "../util/address.ts";
import {
  type MutualTlsFiles,
  readTlsFiles,
  type TlsFilesEvent,
  type TlsMaterial,
  watchTlsFiles,
} from "../util/tlsFiles.ts";
import type { RefusedClient } from "./refusals.ts";
import { createTlsPort } from "./tlsPort.ts";
import type { Clock } from "./transport.ts";
import type { XdsMetrics } from "./types.ts";

/** How the port is secured, and who is told what happens at it. */
export interface PortOptions {
  /** Clients must show a certificate. Without: plaintext, on loopback only. */
  readonly tls?: MutualTlsFiles | undefined;
  /** Plaintext also where other machines can reach it: whoever does may pull everything. */
  readonly insecure?: boolean | undefined;
  readonly clock: Clock;
  readonly onRefused: (client: RefusedClient) => void;
  readonly onTlsFiles?: ((event: TlsFilesEvent) => void) | undefined;
  /** Where certificate files are counted. */
  readonly metrics: Pick<XdsMetrics, "tlsReloads" | "tlsReloadFailures" | "tlsExpires">;
}

/** Throws where plaintext could be reached by other machines and nobody has said that it may. */
export function refuseStrangers(address: string, { insecure }: PortOptions): void {
  const host = splitAddress(address)?.host ?? "";
  if (insecure === true || isLoopback(host)) return;
  throw new Error(
    `listening on ${address}, which other machines can reach, needs client certificates: --xds-tls-cert, --xds-tls-key and --xds-tls-client-ca, or --xds-insecure to let whoever reaches the port pull every fleet`,
  );
}

/**
 * A listener, not bound yet, whose connections come through when they have shown a good certificate. TLS has a server of its own beside
 * the one for HTTP/2, so that sockets are counted before a handshake costs anything and no stranger comes as far as HTTP/2.
 * @returns with what stops looking at the files. Throws TlsFilesError.
 */
export async function openTls(
  files: MutualTlsFiles,
  options: PortOptions & { readonly onConnection: (socket: TLSSocket) => void },
): Promise<{ readonly listener: Server; readonly unwatch: () => void }> {
  const { clock, onConnection, onRefused, onTlsFiles, metrics } = options;
  const first = await readTlsFiles(files, clock.now());
  const port = createTlsPort({
    context: first.context,
    onConnection,
    onRefused: (refusal, peer) => onRefused({ ...refusal, peer, identities: [], nodeId: null, group: null }),
  });
  const noteExpiry = ({ expires }: TlsMaterial): void => {
    metrics.tlsExpires = expires.getTime() / 1000;
  };
  noteExpiry(first);
  const unwatch = watchTlsFiles(first, {
    files,
    clock,
    use: (material) => {
      port.use(material.context);
      noteExpiry(material);
    },
    tell(event) {
      if (event.ok) metrics.tlsReloads += 1;
      else metrics.tlsReloadFailures += 1;
      onTlsFiles?.(event);
    },
  });
  return { listener: port.listener, unwatch };
}
