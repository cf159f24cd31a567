/** What is read in certificates: the one place that knows X.509. */
import { X509Certificate } from "node:crypto";

/** Of the first certificate of a chain. */
export interface CertificateFacts {
  /** DNS names of subjectAltName in lower case, ascending, each once; what is no hostname is left out. The subject's CN is no name. */
  readonly serverNames: readonly string[];
  readonly keyType: "rsa" | "ecdsa";
}

/** An entry of subjectAltName as node writes it (a value with special characters stands in quotes, as in JSON). */
const ALTERNATIVE_NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/g;
const SERVER_NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/;

/** Null: this is no certificate. */
export function certificateFacts(chain: string): CertificateFacts | null {
  try {
    const { subjectAltName = "", publicKey } = new X509Certificate(chain);
    const names = [...subjectAltName.matchAll(ALTERNATIVE_NAME)].flatMap(([, kind, value = ""]) => {
      const name = value.toLowerCase();
      return kind === "DNS" && SERVER_NAME.test(name) ? [name] : [];
    });
    return {
      serverNames: [...new Set(names)].sort(),
      keyType: publicKey.asymmetricKeyType === "ec" ? "ecdsa" : "rsa",
    };
  } catch {
    return null;
  }
}
