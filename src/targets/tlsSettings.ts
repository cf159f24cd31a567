/** What all proxies are told of TLS that no field says. */

/** Groups of the key exchange, best first: those of Mozilla's Server Side TLS 5.7 that all proxies have, in BoringSSL's words. */
export const GROUPS: readonly string[] = ["X25519", "P-256", "P-384"];

/** The same in OpenSSL's words. */
export const OPENSSL_GROUPS: readonly string[] = ["X25519", "prime256v1", "secp384r1"];
