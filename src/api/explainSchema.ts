/** What `/v1/explain` is asked. */

/** Bounds are far above what people ask about; the proxies take more (60 KiB a line, 1,000 fields). */
export const explainSchema = {
  type: "object",
  additionalProperties: false,
  required: ["fleet", "host", "path"],
  properties: {
    fleet: { type: "string", maxLength: 63, description: "Whose rules." },
    port: {
      type: "integer",
      minimum: 1,
      maximum: 65535,
      description: "Which of its HTTP and TLS ports. Default: the only one of HTTP, or the only one.",
    },
    serverName: {
      type: "string",
      maxLength: 255,
      description: "The server name that the client asks for (SNI), for ports of TLS; empty: none. Default: the host.",
    },
    method: { type: "string", pattern: "^[A-Z]{1,32}$", default: "GET" },
    host: { type: "string", maxLength: 260, description: "The Host header." },
    path: { type: "string", minLength: 1, maxLength: 8192, description: "The raw path, with query if there is one." },
    headers: {
      type: "array",
      maxItems: 100,
      items: { type: "array", minItems: 2, maxItems: 2, items: { type: "string", maxLength: 8192 } },
      description: "Name and value of each header field.",
      default: [],
    },
    source: { type: "string", maxLength: 45, description: "The client's address, for rules that look at it." },
  },
};
