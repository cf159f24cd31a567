/** HTTP/3 with clients, on the proxies that have none: docs/decisions/0079-http3.md. */
import type { JsonValue } from "../ir/index.ts";
import type { Support } from "./target.ts";

/** What a proxy would need for it, in words that end the sentence, and the code of its refusal. */
const NEEDED = {
  nginx: {
    code: "HTTP3-NGINX",
    needed: "it would take nginx 1.25.0 or later, built with QUIC, and Trimtab writes it for no version yet",
  },
  haproxy: {
    code: "HTTP3-HAPROXY",
    needed:
      "it would take HAProxy 2.6 or later, built with QUIC, which Debian's is not, and Trimtab writes it for no version yet",
  },
} as const;

/** What each of them says of it. */
export function http3Capabilities(proxy: keyof typeof NEEDED) {
  const { code, needed } = NEEDED[proxy];
  return {
    "listener.http.http3": {
      refused: `cannot be done: ${needed}. Leave it off (HTTP/2 is there without a word), or serve the listener with Envoy`,
      code,
      when: (value: JsonValue): boolean => value === true,
    },
    // It stands beside `http3: true` only, which is refused.
    "listener.http.http3Port": { refused: "is of HTTP/3, which cannot be done", code },
  } as const satisfies Readonly<Record<string, Support>>;
}
