/** What a client of the control plane shows and believes over TLS, from files. */
import { readFile } from "node:fs/promises";
import { readSecretFile } from "./secretFile.ts";

/** Paths of PEM files. */
export interface ClientTlsFiles {
  /** The authorities that are believed, instead of the system's. */
  readonly ca?: string | undefined;
  /** Shown to a server that asks for a certificate; with its key, or neither. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** What the files hold, for `node:https`. */
export interface ClientTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Throws one line for a person. Read for each connection, so that new files need no restart. */
export async function readClientTls({ ca, cert, key }: ClientTlsFiles): Promise<ClientTls> {
  if ((cert === undefined) !== (key === undefined)) throw new Error("--cert and --key go together");
  return {
    ...(ca === undefined ? {} : { ca: await certificatesOf(ca) }),
    ...(cert === undefined ? {} : { cert: await certificatesOf(cert) }),
    ...(key === undefined ? {} : { key: (await readSecretFile(key)).toString("latin1") }),
  };
}

async function certificatesOf(file: string): Promise<string> {
  const text = await readFile(file, "latin1");
  // Node takes such a file for "no authority is believed", and every certificate would be refused without a reason.
  if (!text.includes("-----BEGIN CERTIFICATE-----")) throw new Error(`${file} holds no certificate (PEM)`);
  return text;
}
