/** How the ports of a control plane are secured: what the flags say, whole or not at all. */
import type { TlsOptions } from "./api/index.ts";
import type { ServeOptions } from "./cli/index.ts";
import type { Logger } from "./log/index.ts";
import type { PlaneLog } from "./planeLog.ts";
import { isLoopback, splitAddress } from "./util/address.ts";
import type { MutualTlsFiles } from "./util/tlsFiles.ts";
import { systemClock } from "./xds/index.ts";

/** Who keeps strangers from the xDS port. */
export function securityOf({ xdsTlsCert, xdsInsecure }: ServeOptions): "TLS" | "insecure" | "loopback" {
  if (xdsTlsCert !== undefined) return "TLS";
  return xdsInsecure === true ? "insecure" : "loopback";
}

/** Both ports, for the log. */
export function securityFields(options: ServeOptions): { readonly secured: string; readonly httpSecured: string } {
  return { secured: securityOf(options), httpSecured: options.httpTlsCert === undefined ? "plaintext" : "TLS" };
}

/** All three or none: with a part of them the port would be open to others than was meant. */
export function xdsTls(options: ServeOptions): MutualTlsFiles | undefined {
  const { xdsTlsCert: cert, xdsTlsKey: key, xdsTlsClientCa: clientCa } = options;
  if (cert !== undefined && key !== undefined && clientCa !== undefined) return { cert, key, clientCa };
  refusePart("the xDS port", { "--xds-tls-cert": cert, "--xds-tls-key": key, "--xds-tls-client-ca": clientCa });
  return undefined;
}

/** Certificate and key, or nothing: without them nobody could be asked for a certificate. */
export function apiTls(options: ServeOptions, lines: PlaneLog): TlsOptions | undefined {
  const { httpTlsCert: cert, httpTlsKey: key, httpTlsClientCa: clientCa } = options;
  if (cert !== undefined && key !== undefined)
    return {
      files: { cert, key, clientCa },
      clock: systemClock,
      onFiles: lines.httpTlsFiles,
      onRefused: lines.httpRefused,
    };
  const asked = clientCa === undefined ? {} : { "--http-tls-client-ca": clientCa };
  refusePart("the API's port", { "--http-tls-cert": cert, "--http-tls-key": key, ...asked });
  return undefined;
}

/** Throws when some files are there, and others are not. */
function refusePart(port: string, flags: Readonly<Record<string, string | undefined>>): void {
  const files = Object.entries(flags);
  const missing = files.filter(([, file]) => file === undefined).map(([flag]) => flag);
  if (missing.length < files.length) throw new Error(`TLS on ${port} needs ${missing.join(" and ")} too`);
}

/** The token is asked for there; it can be read on the way. */
export function tellPlaintext({ http, httpTlsCert }: ServeOptions, logger: Pick<Logger, "log">): void {
  if (httpTlsCert !== undefined || isLoopback(splitAddress(http)?.host ?? "")) return;
  const remedy = "the token travels as it is: use --http-tls-cert and --http-tls-key, or put TLS in front";
  logger.log("warn", "http-plaintext", { http, remedy });
}
