/** What TLS is made with. */

/** A certificate with its key, as listeners show it to clients. */
export interface CertificateIr {
  readonly name: string;
  /** PEM with `\n`, the certificate itself first; ends with a line break. */
  readonly chain: string;
  /** PEM, or the reference of what is sealed; whoever delivers it opens it. Ends with a line break. */
  readonly privateKey: string;
  /** Names in it that clients ask for, in lower case, ascending: DNS names of subjectAltName. `*.a.b` covers one label. */
  readonly serverNames: readonly string[];
  readonly keyType: "rsa" | "ecdsa";
}

/** Who is trusted. */
export interface AuthorityIr {
  readonly name: string;
  /** PEM with `\n`; ends with a line break. */
  readonly bundle: string;
  /** The same of revocation lists; null: nobody asks for them. */
  readonly crl: string | null;
}
