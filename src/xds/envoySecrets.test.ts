/** The real Envoy with a certificate that comes by SDS. */
import { Agent, get } from "node:https";
import type { TLSSocket } from "node:tls";
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { afterEach, describe, expect, it } from "vitest";
import { ListenerSchema } from "../gen/proto/envoy/config/listener/v3/listener_pb.js";
import {
  SdsSecretConfigSchema,
  SecretSchema,
} from "../gen/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { freePort } from "../targets/envoy/testing.ts";
import type { XdsResource } from "./index.ts";
import { SECRET } from "./resourceTypes.ts";
import { fleet, LISTENER, ROUTE, startServer } from "./testing.ts";
import { createAuthority, type Issued } from "./testingCertificates.ts";
import * as envoyTesting from "./testingEnvoy.ts";
import { ADS, address, backend, cluster, encode, endpoints, httpFilter, route, startEnvoy } from "./testingEnvoy.ts";

const patience = { timeout: 10_000, interval: 20 };
const authority = createAuthority("servers");

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A certificate and its key, which is opened for the wire only. */
function secret({ cert, key }: Issued): XdsResource {
  const text = (inlineString: string) => ({ specifier: { case: "inlineString", value: inlineString } }) as const;
  const encoded = (privateKey: string): XdsResource =>
    encode(
      SecretSchema,
      {
        name: "cert",
        type: { case: "tlsCertificate", value: { certificateChain: text(cert), privateKey: text(privateKey) } },
      },
      { typeUrl: SECRET, name: "cert" },
    );
  const reference = `sealed ${cert.slice(-80)}`;
  keys.set(reference, key);
  return { ...encoded(reference), opened: (open) => encoded(open(reference)).bytes };
}

/** By reference. */
const keys = new Map<string, string>();
const open = (reference: string): string => keys.get(reference) ?? "";

/** Of HTTPS; the certificate is a secret. */
function tlsListener(port: number): XdsResource {
  const wanted = toBinary(SdsSecretConfigSchema, create(SdsSecretConfigSchema, { name: "cert", sdsConfig: ADS }));
  // DownstreamTlsContext { common_tls_context { tls_certificate_sds_secret_configs } }, which is not among our protos.
  const common = new BinaryWriter().tag(6, WireType.LengthDelimited).bytes(wanted).finish();
  const context = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(common).finish();
  const typeUrl = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
  const transportSocket = {
    name: "tls",
    configType: { case: "typedConfig", value: { typeUrl, value: context } },
  } as const;
  const filter = { name: "http", configType: { case: "typedConfig", value: httpFilter("web") } } as const;
  const init = { name: "web", address: address(port), filterChains: [{ filters: [filter], transportSocket }] };
  const refs = [
    [ROUTE, "web"],
    [SECRET, "cert"],
  ] as const;
  return encode(ListenerSchema, init, { typeUrl: LISTENER, name: "web", refs });
}

/** The answer's text, or what went wrong, and the name in the certificate that was shown. */
function ask(port: number, agent: Agent): Promise<{ text: string; shown: string | undefined }> {
  return new Promise((resolve) => {
    const failed = (error: Error): void => resolve({ text: error.message, shown: undefined });
    const options = { host: "127.0.0.1", port, servername: "localhost", ca: authority.cert, agent };
    get(options, async (response) => {
      const { subjectaltname } = (response.socket as TLSSocket).getPeerCertificate();
      resolve({ text: (await response.setEncoding("utf8").toArray()).join(""), shown: subjectaltname });
    }).on("error", failed);
  });
}

describe.each([{ delta: true }, { delta: false }])("Envoy with a secret (delta: $delta)", ({ delta }) => {
  it("serves with a new certificate at once, and ends no connection for it", async () => {
    const [first, second] = ["a", "b"].map((name) => authority.issue({ dns: ["localhost", `${name}.example.org`] }));
    const { server, address: xds } = await startServer({ open });
    const edge = fleet(server);
    const one = await backend("one");
    const port = await freePort();
    const set = (issued: Issued) =>
      edge.set(cluster("one"), endpoints("one", one.port), tlsListener(port), route("one"), secret(issued));
    set(first!);
    const envoy = await startEnvoy(Number(xds.split(":")[1]), delta);
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    const fresh = new Agent({ keepAlive: false });
    undo.push(
      () => server.close(),
      () => envoy.stop(),
      () => one.close(),
      () => kept.destroy(),
    );
    const shown = (name: string) => ({ text: "one", shown: `DNS:localhost, DNS:${name}.example.org` });
    await expect.poll(() => ask(port, kept), patience).toEqual(shown("a"));
    const sockets = new Set<unknown>();
    kept.on("free", (socket) => sockets.add(socket));
    let turns = 0;
    const stop = envoyTesting.load(port, async () => JSON.stringify(await ask(port, kept)));
    for (const issued of [second!, first!, second!]) {
      set(issued);
      turns += 1;
      await expect.poll(() => ask(port, fresh), patience).toEqual(shown(turns % 2 === 1 ? "b" : "a"));
      await expect.poll(() => server.nodes("edge")[0]?.ackedRevision, patience).toBe(edge.revision);
    }
    // The old connection goes on as it began.
    expect([...(await stop()).keys()]).toEqual([JSON.stringify(shown("a"))]);
    expect(sockets.size).toBe(1);
  });
});
