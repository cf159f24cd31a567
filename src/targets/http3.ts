/** HTTP/3 with clients, which no target writes yet: docs/decisions/0078-redirect-to-https.md says what was tried. */
import type { JsonValue } from "../ir/index.ts";
import type { Support } from "./target.ts";

/** What a proxy would need for it, in words that end the sentence. */
const NEEDED = {
  envoy: "Envoy would need a second listener over UDP for each of TLS",
  nginx: "nginx would have to be 1.25.0 or later",
  haproxy: "HAProxy would have to be 2.6 or later and built with QUIC, which Debian's is not",
} as const;

/** What each of them says of `http3`. */
export function http3Capabilities(proxy: keyof typeof NEEDED) {
  return {
    "listener.http.http3": {
      refused: `is not written for any proxy yet; ${NEEDED[proxy]}. Serve HTTP/2, which is there without a word`,
      code: "HTTP3-NOT-YET",
      when: (value: JsonValue): boolean => value === true,
    },
  } as const satisfies Readonly<Record<string, Support>>;
}
