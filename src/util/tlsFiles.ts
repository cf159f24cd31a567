/** Certificate, key and client authorities as files: read, judged before they are used, and read again when they change. */
import { constants, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { readSecretFile } from "./secretFile.ts";

/** Certificate files are looked at so often. New ones are there hours before the old expire; a removed authority should go soon. */
export const TLS_FILES_MS = 5_000;

/** Largest certificate file. Bundles of all public authorities have a quarter of it. */
const MAX_TLS_FILE_BYTES = 1024 * 1024;

/** A handshake takes two round trips. Node's own two minutes would let silent strangers hold sockets. */
export const TLS_HANDSHAKE_MS = 10_000;

/**
 * What every context says, whatever the files hold. Without tickets no session is resumed: each connection's certificate is judged
 * anew, also when the authorities have changed or it has expired meanwhile.
 */
const TLS_CONTEXT: SecureContextOptions = {
  minVersion: "TLSv1.2",
  secureOptions: constants.SSL_OP_NO_TICKET,
};

/** Time, so that tests can hold it. */
export interface TlsClock {
  now(): Date;
  /** Calls once, later; returns the undo. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** Paths of PEM files. */
export interface TlsFiles {
  /** The server's certificate, then those that lead to its authority. */
  readonly cert: string;
  readonly key: string;
  /** The authorities whose client certificates are accepted; undefined: none is asked for. */
  readonly clientCa?: string | undefined;
}

/** Of a port where every client must show a certificate. */
export interface MutualTlsFiles extends TlsFiles {
  readonly clientCa: string;
}

/** A file is missing or no good; the message names it and says nothing of what it holds. */
export class TlsFilesError extends Error {
  override readonly name = "TlsFilesError";
}

/** What the files hold. */
interface Parts {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
}

/** Files that can be used. */
export interface TlsMaterial {
  readonly context: SecureContextOptions;
  /** When the server's certificate expires. */
  readonly expires: Date;
  readonly parts: Parts;
}

/** The files were read anew: they are in use from now on, or they are no good and the ones before stay. */
export type TlsFilesEvent =
  | { readonly ok: true; readonly expires: string }
  | { readonly ok: false; readonly message: string };

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Throws TlsFilesError. */
export async function readTlsFiles(files: TlsFiles, now: Date): Promise<TlsMaterial> {
  return judge(await readParts(files), files, now);
}

async function readParts(files: TlsFiles): Promise<Parts> {
  const cert = await readPart(files.cert, readFile);
  // A private key: nobody else may read it.
  const key = await readPart(files.key, readSecretFile);
  return { cert, key, ca: files.clientCa === undefined ? undefined : await readPart(files.clientCa, readFile) };
}

function judge(parts: Parts, files: TlsFiles, now: Date): TlsMaterial {
  const { validFrom, expires } = validityOf(parts.cert, files.cert);
  // Node takes a file without any certificate as "no authority", and then refuses every client.
  if (parts.ca !== undefined) certificatesIn(parts.ca, files.clientCa as string);
  if (validFrom > now) throw new TlsFilesError(`${files.cert} is not valid before ${validFrom.toISOString()}`);
  refuseExpired(expires, files, now);
  const { cert, key, ca } = parts;
  const context = { ...TLS_CONTEXT, cert, key, ...(ca === undefined ? {} : { ca }) };
  try {
    createSecureContext(context);
  } catch (error) {
    const { message } = error as Error;
    throw new TlsFilesError(`${files.cert} and ${files.key} cannot be used together: ${message}`, { cause: error });
  }
  return { context, expires, parts };
}

function validityOf(pem: Buffer, path: string): { readonly validFrom: Date; readonly expires: Date } {
  const { validFromDate, validToDate } = certificatesIn(pem, path)[0] as X509Certificate;
  return { validFrom: validFromDate, expires: validToDate };
}

function refuseExpired(expires: Date, files: TlsFiles, now: Date): void {
  if (expires <= now) throw new TlsFilesError(`${files.cert} has expired (${expires.toISOString()})`);
}

function areEqual(a: Parts, b: Parts): boolean {
  return a.cert.equals(b.cert) && a.key.equals(b.key) && a.ca?.equals(b.ca as Buffer) !== false;
}

async function readPart(path: string, read: (path: string) => Promise<Buffer>): Promise<Buffer> {
  const bytes = await read(path).catch((error: Error) => {
    throw new TlsFilesError(error.message, { cause: error });
  });
  if (bytes.length > MAX_TLS_FILE_BYTES) throw new TlsFilesError(`${path} is larger than ${MAX_TLS_FILE_BYTES} bytes`);
  return bytes;
}

function certificatesIn(pem: Buffer, path: string): readonly X509Certificate[] {
  const blocks = pem.toString("latin1").match(PEM_CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new TlsFilesError(`${path} holds no certificate in PEM`);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (error) {
    throw new TlsFilesError(`${path} holds a certificate that cannot be read`, { cause: error });
  }
}

/**
 * Looks at the files every few seconds: mounted secrets change by a swapped link that watches of the file system do not report everywhere.
 * @returns the undo
 */
export function watchTlsFiles(
  first: TlsMaterial,
  watch: {
    readonly files: TlsFiles;
    readonly clock: TlsClock;
    readonly use: (material: TlsMaterial) => void;
    readonly tell: (event: TlsFilesEvent) => void;
  },
): () => void {
  const { files, clock, use, tell } = watch;
  let current = first;
  let complaint = "";
  let stopped = false;
  let cancel = clock.after(TLS_FILES_MS, look);
  function look(): void {
    void again().finally(() => {
      if (!stopped) cancel = clock.after(TLS_FILES_MS, look);
    });
  }
  async function again(): Promise<void> {
    try {
      const parts = await readParts(files);
      if (stopped) return;
      const isNew = !areEqual(parts, current.parts);
      if (!isNew) refuseExpired(current.expires, files, clock.now());
      const next = isNew ? judge(parts, files, clock.now()) : current;
      complaint = "";
      if (!isNew) return;
      use(next);
      current = next;
      tell({ ok: true, expires: next.expires.toISOString() });
    } catch (error) {
      // The same trouble is told once. Files that are written one after the other are looked at again in a moment.
      const message = error instanceof Error ? error.message : String(error);
      if (stopped || message === complaint) return;
      complaint = message;
      tell({ ok: false, message });
    }
  }
  return () => {
    stopped = true;
    cancel();
  };
}
