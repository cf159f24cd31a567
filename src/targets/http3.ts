/** HTTP/3 with clients, on the proxies that have it in newer versions: docs/decisions/0079-http3.md, 0083-http3-on-newer-nginx.md. */
import type { HttpPortIr, JsonValue } from "../ir/index.ts";
import type { Finding, Support, Version } from "./target.ts";
import { isBefore } from "./version.ts";

/** What a proxy needs for it, in words that end the sentence; the code of its refusal; the oldest version that was tried. */
const NEEDED = {
  nginx: {
    code: "HTTP3-NGINX",
    needed: "it takes nginx 1.26.0 or later, built with QUIC; set the fleet's `version` if it is that new",
    since: [1, 26, 0] as Version,
  },
  haproxy: {
    code: "HTTP3-HAPROXY",
    needed: "it takes HAProxy 3.0.0 or later, built with QUIC; set the fleet's `version` if it is that new",
    since: [3, 0, 0] as Version,
  },
} as const;

/** Whether a proxy of this version is too old. */
export function lacksHttp3(proxy: keyof typeof NEEDED, version: Version): boolean {
  return isBefore(version, NEEDED[proxy].since);
}

/** What each of them says of a version that has none. */
export function withoutHttp3(proxy: keyof typeof NEEDED) {
  const { code, needed } = NEEDED[proxy];
  return {
    http3: {
      refused: `cannot be done: ${needed}. Leave it off (HTTP/2 is there without a word), or serve the listener with Envoy`,
      code,
      when: (value: JsonValue, version: Version): boolean => value === true && lacksHttp3(proxy, version),
    },
    // It stands beside `http3: true` only, which is refused.
    http3Port: {
      refused: "is of HTTP/3, which cannot be done",
      code,
      when: (_: JsonValue, version: Version): boolean => lacksHttp3(proxy, version),
    },
  } as const satisfies Readonly<Record<string, Support>>;
}

/** An error about the listeners of a port whose requests come over HTTP/3 too. */
export function besideHttp3({ tls }: HttpPortIr, { code, refused }: { code: string; refused: string }): Finding[] {
  const listeners = (tls?.scopes ?? []).filter(({ readsRequests }) => readsRequests);
  return listeners.map(
    ({ listener: name }): Finding => ({
      ...{ code, severity: "error", message: refused },
      ...{ resource: { kind: "listener", name }, pointer: "/http/http3" },
    }),
  );
}
