/**
 * Certificates that a running HAProxy can take over: each is a file that it keeps by its path. Authorities and revocation lists are none:
 * 2.6 has commands for them, but a certificate that is replaced after one of these reaches no place that shows it, and the process
 * may crash.
 */
import type { RenderedFile } from "../target.ts";
import { LEAST_BUFFER_BYTES } from "./bufferSizes.ts";

/** As `certificateFile` names them. */
const CERTIFICATE = /^certificates\/[\w.-]+\.pem$/;

/** HAProxy reads a command with what it brings into one buffer. */
const ROOM_FOR_COMMAND = 1_024;
/** A reference of a key is shorter than the key: of RSA with 4 096 bits it has 3.3 KB. */
const ROOM_FOR_KEY = 4 * 1_024;
/** Of one change. The process that serves makes the contexts anew for each place that shows one. */
export const MAX_CERTIFICATES = 100;

/** Not one that is too long for a command. */
export function isRuntimeCertificate({ path, text, secrets = [] }: RenderedFile): boolean {
  const room = LEAST_BUFFER_BYTES - ROOM_FOR_COMMAND - secrets.length * ROOM_FOR_KEY;
  return CERTIFICATE.test(path) && Buffer.byteLength(text) <= room;
}
