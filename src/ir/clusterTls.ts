/** TLS of connections to a cluster's endpoints, those of probes too. */
import type { TlsVersion } from "./tls.ts";

export interface ClusterTlsIr {
  /** What is asked for (SNI); null: nothing is, and nothing is verified. */
  readonly serverName: string | null;
  /** What an endpoint's certificate has to be; null: anything. */
  readonly verification: VerificationIr | null;
  /** Name of the certificate that is shown to endpoints that ask for one; null: none is. */
  readonly clientCertificate: string | null;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
}

/** Who has to have issued a certificate, and whose it has to be. */
export interface VerificationIr {
  /** It has one of these; there is at least one. */
  readonly names: readonly CertificateNameIr[];
  /** Null: whom the proxy's system trusts. */
  readonly authority: {
    readonly name: string;
    /** It has a revocation list. */
    readonly revokes: boolean;
  } | null;
}

/** An entry of a certificate's subjectAltName. */
export interface CertificateNameIr {
  readonly kind: "dns" | "uri";
  /**
   * A DNS name in lower case. In one a leading `*` stands for one label, in the path of a URI `*` for one segment and a last `**` for
   * one or more.
   */
  readonly value: string;
}
