import { expect, it } from "vitest";
import { cluster, fleet, forward, httpPort, rule, tcpPort, virtualHost } from "../testIr.ts";
import { http2Clusters, inspectProtocol, protocolLines } from "./protocol.ts";

const http2 = cluster("new", [8080], { protocol: "http2" });
const fleetOf = (version: string | null) => {
  const rules = [rule("r.0", "/", { action: forward("new") }), rule("r.1", "/old", { action: forward("old") })];
  const port = httpPort("127.0.0.1", 8080, [virtualHost("*", rules)]);
  return { ...fleet([port], [http2, cluster("old", [8081])]), version };
};

it("is refused before 1.29.4, once for a cluster, and only where requests come to it", () => {
  for (const version of [null, "1.22", "1.29.3"]) {
    expect(inspectProtocol(fleetOf(version)).map(({ code, resource }) => [code, resource?.name])).toEqual([
      ["L7-H2-UPSTREAM-NGINX", "new"],
    ]);
  }
  expect(inspectProtocol(fleetOf("1.29.4"))).toEqual([]);
  const bytes = tcpPort("127.0.0.1", 9000, { split: [{ cluster: "new", weight: 1 }] });
  expect(inspectProtocol(fleet([bytes], [http2]))).toEqual([]);
});

// The nginx that is installed does not know it; 1.31.5 took the text and forwarded so (decision 67).
it("locations that forward to it say so, and pass no WebSocket", () => {
  expect(protocolLines("new", http2Clusters([http2])).map((own) => own.text)).toEqual([
    '      proxy_http_version 2;\n      if ($upgrade) { return 403 "403 Forbidden\n"; }\n',
  ]);
  expect(protocolLines("old", http2Clusters([http2]))).toEqual([]);
});
