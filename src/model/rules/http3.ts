import { type OwnRule, problem, touchedOf } from "./rule.ts";

const CODE = "MODEL-HTTP3";

/** HTTP/3 is requests over QUIC, which is UDP with TLS 1.3 in it: what a listener says besides must leave room for that. */
export const http3: OwnRule = function* (_snapshot, touched) {
  for (const listener of touchedOf(touched, "listener")) {
    const { protocol, http, tls, proxyProtocol } = listener.body;
    const at = (pointer: string, message: string) => problem(CODE, listener, { pointer, message });
    if (http?.http3 !== true) {
      if (http?.http3Port !== undefined)
        yield at("/http/http3Port", "is where clients find HTTP/3, which needs `http3: true`; remove the field");
      continue;
    }
    // `protocols` tells of the others.
    if (protocol === "HTTP")
      yield at("/http/http3", "is spoken inside TLS only; take protocol HTTPS, or remove the field");
    if (tls?.maxVersion === "1.2")
      yield at("/tls/maxVersion", "leaves no TLS 1.3, and HTTP/3 (`http.http3`) is spoken inside no other version");
    if (proxyProtocol !== undefined)
      yield at("/proxyProtocol", "begins TCP connections, and HTTP/3 (`http.http3`) has none; remove one of the two");
  }
};
