/** HTTP/3 with clients, on proxies that have it from some version on: docs/decisions/0079-http3.md, 0084-http3-on-newer-haproxy.md. */
import type { JsonValue } from "../ir/index.ts";
import type { Support, Version } from "./target.ts";
import { isBefore } from "./version.ts";

/** What is said where a fleet's version has none. */
interface Lack {
  readonly code: string;
  /** What it would take, in words that end the sentence. */
  readonly needed: string;
  /** The oldest version that it is written for, which was run; null: none. */
  readonly since: Version | null;
}

/** HAProxy 3.0 was run, and nothing between it and 2.6. */
export const HAPROXY_SINCE: Version = [3, 0, 0];

const LACKS = {
  nginx: {
    code: "HTTP3-NGINX",
    needed: "it would take nginx 1.25.0 or later, built with QUIC, and Trimtab writes it for no version yet",
    since: null,
  },
  haproxy: {
    code: "HTTP3-HAPROXY",
    needed:
      "it takes HAProxy 3.0 or later, built with QUIC, and the fleet's `version` has to say so (Debian 12 ships 2.6 without it)",
    since: HAPROXY_SINCE,
  },
} as const satisfies Readonly<Record<string, Lack>>;

/** What each of them says of it. */
export function http3Capabilities(proxy: keyof typeof LACKS) {
  const { code, needed, since }: Lack = LACKS[proxy];
  const lacks = (version: Version): boolean => since === null || isBefore(version, since);
  return {
    "listener.http.http3": {
      refused: `cannot be done: ${needed}. Leave it off (HTTP/2 is there without a word), or serve the listener with Envoy`,
      code,
      when: (value: JsonValue, version: Version): boolean => value === true && lacks(version),
    },
    // It stands beside `http3: true` only, which is refused.
    "listener.http.http3Port": {
      refused: "is of HTTP/3, which cannot be done",
      code,
      when: (_: JsonValue, version: Version): boolean => lacks(version),
    },
  } as const satisfies Readonly<Record<string, Support>>;
}
