/** What a listener agrees on with its clients: versions, cipher suites, protocols. */
import { defaults } from "../../gen/defaults.ts";
import { HTTP2_ALPN, type TlsServerIr, type TlsVersion } from "../../ir/index.ts";
import type { Listener } from "../../model/index.ts";
import { http2Of } from "../passes/http2.ts";

/**
 * Mozilla's Server Side TLS, version 5.7 (https://ssl-config.mozilla.org/guidelines/5.7.json), without its two DHE suites: Envoy has none.
 * Suites of the same strength stand in Mozilla's order.
 */
const PROFILES = {
  intermediate: {
    minVersion: "1.2",
    cipherSuites: [
      "ECDHE-ECDSA-AES128-GCM-SHA256",
      "ECDHE-RSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384",
      "ECDHE-RSA-AES256-GCM-SHA384",
      "ECDHE-ECDSA-CHACHA20-POLY1305",
      "ECDHE-RSA-CHACHA20-POLY1305",
    ],
  },
  modern: { minVersion: "1.3", cipherSuites: [] },
} as const satisfies Readonly<Record<string, Pick<TlsServerIr, "minVersion" | "cipherSuites">>>;

/** Settings that no certificate has a part in. */
export type AgreedOn = Pick<TlsServerIr, "minVersion" | "maxVersion" | "cipherSuites" | "alpn">;

/** With all defaults filled in. */
export function agreedOn(listener: Listener): AgreedOn {
  const { tls } = listener;
  const profile = PROFILES[tls?.profile ?? defaults["listener.tls.profile"]];
  const minVersion: TlsVersion = tls?.minVersion ?? profile.minVersion;
  const maxVersion: TlsVersion = tls?.maxVersion ?? defaults["listener.tls.maxVersion"];
  const cipherSuites = minVersion === "1.3" ? [] : (tls?.cipherSuites ?? PROFILES.intermediate.cipherSuites);
  const alpn = listener.protocol === "TLS" ? (tls?.alpn ?? []) : HTTP2_ALPN[http2Of(listener)];
  return { minVersion, maxVersion, cipherSuites, alpn };
}
