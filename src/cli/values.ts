/** Readers of option values: what was written as it is used, or a message that says how it is written. */
import { isIP, isIPv6 } from "node:net";
import { InvalidArgumentError } from "commander";
// Not the whole room: what a command line needs to be read is all that loads before a command.
import { MIN_MEMORY } from "../model/bounds.ts";
import { OWNER_NAME } from "../model/owner.ts";

/** Name and value of a request header. */
export type Header = readonly [string, string];

const MAX_PORT = 65_535;

/** A TCP port that can be connected to. */
export function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > MAX_PORT)
    throw new InvalidArgumentError("It is not a port. Write 1 to 65535.");
  return port;
}

/** The number of a revision; 0 is the empty model. */
export function revisionNumber(text: string): number {
  const revision = Number(text);
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It is not the number of a revision.");
  return revision;
}

/** As many revisions as the server tells at once. */
export function pageSize(text: string): number {
  const size = Number(text);
  if (!/^\d{1,3}$/.test(text) || size < 1 || size > MAX_PAGE) throw new InvalidArgumentError(`Write 1 to ${MAX_PAGE}.`);
  return size;
}

/** Of the API's list of revisions. */
const MAX_PAGE = 500;
/** An hour: whoever waits longer waits for a person. */
const MAX_WAIT_SECONDS = 3_600;

/** How long to wait. */
export function waitSeconds(text: string): number {
  const seconds = Number(text.replace(/s$/, ""));
  if (!/^\d{1,4}s?$/.test(text) || seconds > MAX_WAIT_SECONDS)
    throw new InvalidArgumentError(`Write seconds, ${MAX_WAIT_SECONDS} at most.`);
  return seconds;
}

/** `host:port` or `[IPv6]:port`. Port 0 is one that the system chooses, so only for listening. */
export function listenAddress(text: string): string {
  const [, v6, name, port] = /^(?:\[([^\]]*)\]|([^\s:[\]/@]+)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > MAX_PORT || (name === undefined && !isIPv6(v6 ?? "")))
    throw new InvalidArgumentError("Write it as host:port, as 127.0.0.1:8400 or [::1]:8400.");
  return text;
}

/** As `listenAddress`, but somewhere to connect to. */
export function remoteAddress(text: string): string {
  if (/:0+$/.test(text)) throw new InvalidArgumentError("Nothing can be reached at port 0.");
  return listenAddress(text);
}

/** As the server takes it; methods have letter case (RFC 9110, section 9.1). */
export function method(text: string): string {
  if (!/^[A-Z]{1,32}$/.test(text)) throw new InvalidArgumentError("Methods are upper case, as GET.");
  return text;
}

/** A header line, after those that were given before it. */
export function headerLine(line: string, before: readonly Header[] = []): readonly Header[] {
  const [, name, value = ""] = /^([!#$%&'*+.^_`|~\w-]+):(.*)$/.exec(line) ?? [];
  if (name === undefined) throw new InvalidArgumentError("Write it as `Name: value`.");
  return [...before, [name, value.trim()]];
}

/** What a request line and its Host header say of a URL. */
export interface RequestUrl {
  readonly authority: string;
  /** With the query. */
  readonly path: string;
}

/** An `http:` URL, its path as it is written. */
export function requestUrl(text: string): RequestUrl {
  const target = /^http:\/\/([^/?#]*)([^#]*)$/i.exec(text);
  if (target === null) throw new InvalidArgumentError("Write it as http://host/path, without a fragment.");
  const [, authority = "", path = ""] = target;
  return { authority, path: path.startsWith("/") ? path : `/${path}` };
}

/** A label value, as the server takes it for an owner. */
export function ownerName(text: string): string {
  if (!new RegExp(OWNER_NAME).test(text))
    throw new InvalidArgumentError("It has letters and digits, and -_./ between them, 63 at most.");
  return text;
}

/** A fleet's name, as the model takes it: an Envoy of a fleet that cannot be is refused by every server. */
export function fleetName(text: string): string {
  if (!/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(text))
    throw new InvalidArgumentError("A name has lower-case letters, digits, and hyphens between them, 63 at most.");
  return text;
}

/** A proxy's name in its fleet, as the server takes it. */
export function nodeName(text: string): string {
  if (!/^[A-Za-z0-9](?:[-A-Za-z0-9._]{0,126}[A-Za-z0-9])?$/.test(text))
    throw new InvalidArgumentError(
      "A name has letters and digits, and -._ between them, 128 at most; --name gives one.",
    );
  return text;
}

/** Below this a control plane is asked more often than a proxy can be reloaded; above, nobody would know for minutes who is there. */
const [MIN_POLL_MS, MAX_POLL_MS] = [200, 60_000];

/** How often to ask, in milliseconds. */
export function pollInterval(text: string): number {
  const [, digits, unit] = /^(\d{1,5})(ms|s)$/.exec(text) ?? [];
  const milliseconds = Number(digits) * (unit === "s" ? 1_000 : 1);
  // Not a comparison that NaN passes.
  if (!(milliseconds >= MIN_POLL_MS && milliseconds <= MAX_POLL_MS))
    throw new InvalidArgumentError("Write it as 2s or 500ms, 200ms to 60s.");
  return milliseconds;
}

/** A fleet, after those that were named before it. */
export function fleetNames(text: string, before: readonly string[] = []): readonly string[] {
  return [...new Set([...before, fleetName(text)])];
}

/** What a certificate may say of a server: a DNS name without `*`, an IP address, or a URI. */
export function serverName(text: string): string {
  if (isIP(text) === 0 && !/^(?:[a-z][a-z0-9+.-]*:\/\/\S+|[A-Za-z0-9_](?:[-A-Za-z0-9_.]*[A-Za-z0-9_])?)$/.test(text))
    throw new InvalidArgumentError("Write a DNS name, an IP address or a URI, as spiffe://example.org/trimtab.");
  return text;
}

const SIZE_UNITS: Readonly<Record<string, number>> = { MiB: 2 ** 20, GiB: 2 ** 30 };

/** Bytes of memory, as `2GiB` or `512MiB`. */
export function memorySize(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,6})(MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(digits) * (SIZE_UNITS[unit] ?? Number.NaN);
  // Not a comparison that NaN passes.
  if (!(bytes >= MIN_MEMORY)) throw new InvalidArgumentError("Write it as 2GiB or 512MiB; 256MiB is the least.");
  return bytes;
}

/** A file; an empty name is a variable that was not set. */
export const fileName = folderName;

/** `FLEET=FILE` or `FILE`, after those that were given before it. A file whose name looks so can be written as `./A=B`. */
export function fleetFiles(text: string, before: readonly string[] = []): readonly string[] {
  fileName(splitFleetFile(text).file);
  return [...before, text];
}

/** A fleet, null when none is named, and a file. */
export function splitFleetFile(text: string): { readonly fleet: string | null; readonly file: string } {
  const [, fleet = null, file = text] = /^([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)=(.*)$/.exec(text) ?? [];
  return { fleet, file };
}

/** A folder; an empty name is a variable that was not set. */
export function folderName(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("It is empty.");
  return text;
}
