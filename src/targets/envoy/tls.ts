/** TLS of a listener: a filter chain for each set of equal settings, and certificates as resources of their own (SDS). */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { FilterChainSchema } from "../../gen/proto/envoy/config/listener/v3/listener_components_pb.js";
import { TlsParameters_TlsProtocol as Protocol } from "../../gen/proto/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import {
  SdsSecretConfigSchema,
  SecretSchema,
} from "../../gen/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { DownstreamTlsContextSchema } from "../../gen/proto/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import type { CertificateIr, TlsServerIr } from "../../ir/index.ts";
import { referencesIn } from "../sealed.ts";
import type { RenderedResource } from "../target.ts";
import { GROUPS, SIGNATURES } from "../tlsSettings.ts";
import { adsSource, duration, encode, pack, type Ref, resourceOf, typeUrls } from "./types.ts";

type ChainInit = MessageInitShape<typeof FilterChainSchema> & object;

/** Versions in Envoy's words. */
export const PROTOCOLS = { "1.2": Protocol.TLSv1_2, "1.3": Protocol.TLSv1_3 } as const;

/** The certificate as a resource: its name is the certificate's. */
export function certificateSecret({ name, chain, privateKey }: CertificateIr): RenderedResource {
  const text = (value: string) => ({ specifier: { case: "inlineString" as const, value } });
  const bytesWith = (key: string): Uint8Array => {
    const value = { certificateChain: text(chain), privateKey: text(key) };
    return encode(SecretSchema, create(SecretSchema, { name, type: { case: "tlsCertificate", value } }));
  };
  const resource = resourceOf(typeUrls.secret, name, { bytes: bytesWith(privateKey), refs: [] });
  const [reference] = referencesIn(privateKey);
  return reference === undefined ? resource : { ...resource, opened: (open) => bytesWith(open(reference)) };
}

/** What a chain needs to end TLS; a handshake that takes longer than a head may is cut. */
export function tlsTransport(
  server: TlsServerIr,
  handshakeMs: number,
): Pick<ChainInit, "transportSocket" | "transportSocketConnectTimeout"> {
  const { cipherSuites, minVersion, maxVersion, alpn } = server;
  const context = create(DownstreamTlsContextSchema, {
    commonTlsContext: {
      tlsParams: {
        tlsMinimumProtocolVersion: PROTOCOLS[minVersion],
        tlsMaximumProtocolVersion: PROTOCOLS[maxVersion],
        cipherSuites: [...cipherSuites],
        ecdhCurves: [...GROUPS],
        signatureAlgorithms: [...SIGNATURES],
      },
      tlsCertificateSdsSecretConfigs: server.certificates.map((name) =>
        create(SdsSecretConfigSchema, { name, sdsConfig: adsSource() }),
      ),
      alpnProtocols: [...alpn],
    },
    // By tickets only, as on the other proxies.
    disableStatefulSessionResumption: true,
  });
  return {
    transportSocket: {
      name: "envoy.transport_sockets.tls",
      configType: { case: "typedConfig", value: pack(DownstreamTlsContextSchema, context) },
    },
    transportSocketConnectTimeout: duration(handshakeMs),
  };
}

/** The secrets that the chains name. */
export function secretRefs(servers: readonly TlsServerIr[]): readonly Ref[] {
  const names = new Set(servers.flatMap(({ certificates }) => [...certificates]));
  return [...names].map((name) => [typeUrls.secret, name]);
}
