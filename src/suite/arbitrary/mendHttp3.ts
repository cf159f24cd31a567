/** Fits HTTP/3 to the protocol: only listeners inside TLS speak it, and where clients find it is said by those alone. */

interface Http {
  http3?: boolean;
  http3Port?: number;
}

/** What an HTTPS listener has of `http`; undefined: nothing. */
export function ofHttps(http: object | undefined): Http | undefined {
  const { http3, http3Port } = (http ?? {}) as Http;
  if (http3 === undefined) return undefined;
  return { http3, ...(http3 && http3Port !== undefined ? { http3Port } : {}) };
}

/** What an HTTP listener has of it. */
export function ofHttp(http: object | undefined): object | undefined {
  if (http === undefined) return undefined;
  const { http3Port: _, ...rest } = http as Http;
  return rest.http3 === true ? { ...rest, http3: false } : rest;
}
