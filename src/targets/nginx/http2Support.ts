/** What nginx says of HTTP/2 from clients: without TLS, older versions speak it alone or not at all. */
import type { Support, Version } from "../target.ts";
import { isBefore } from "../version.ts";

const BESIDE_HTTP1_SINCE: Version = [1, 25, 1];

const alone = {
  refused:
    "true needs nginx 1.25.1, for older ones speak HTTP/2 without TLS alone: write `only`, on a port of its own, or set the fleet's `version`",
  code: "L7-H2-NGINX",
  when: (value, version) => value === true && isBefore(version, BESIDE_HTTP1_SINCE),
} as const satisfies Support;

/** The table's line. */
export const http2Capabilities = { "listener.http.http2": alone } as const satisfies Readonly<Record<string, Support>>;
