/** What all proxies are told of TLS that no field says. */

/** Groups of the key exchange, best first: those of Mozilla's Server Side TLS 5.7 that all proxies have, in BoringSSL's words. */
export const GROUPS: readonly string[] = ["X25519", "P-256", "P-384"];

/** The same in OpenSSL's words. */
export const OPENSSL_GROUPS: readonly string[] = ["X25519", "prime256v1", "secp384r1"];

/** Signatures of handshakes: those that OpenSSL has at its level 2, where BoringSSL would take SHA-1, too. */
export const SIGNATURES: readonly string[] = ["sha256", "sha384", "sha512"].flatMap((hash, index) => [
  `ecdsa_secp${["256r1", "384r1", "521r1"][index]}_${hash}`,
  `rsa_pss_rsae_${hash}`,
  `rsa_pkcs1_${hash}`,
]);

/**
 * Whom a proxy's system trusts: one bundle, at this path on Debian, Ubuntu, Alpine and in the proxies' own images. Envoy and nginx have to
 * be told a path; where there is no such file, the proxy refuses the configuration.
 */
export const SYSTEM_TRUST = "/etc/ssl/certs/ca-certificates.crt";

/** Of certificates above one that is verified: as many as proxies look at by themselves, but for nginx, which looks at one. */
export const VERIFY_DEPTH = 100;
