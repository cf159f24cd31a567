/** TLS of a listener: a filter chain for each set of equal settings, and certificates as resources of their own (SDS). */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { FilterChainSchema } from "../../gen/proto/envoy/config/listener/v3/listener_components_pb.js";
import {
  TlsParameters_TlsProtocol as Protocol,
  CertificateValidationContext_TrustChainVerification as TrustChain,
} from "../../gen/proto/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import {
  SdsSecretConfigSchema,
  SecretSchema,
} from "../../gen/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import {
  type CommonTlsContextSchema,
  type DownstreamTlsContext,
  DownstreamTlsContextSchema,
} from "../../gen/proto/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import type { CertificateIr, ClientAuthenticationIr, TlsServerIr } from "../../ir/index.ts";
import { trustedName } from "../clientAuthentication.ts";
import { referencesIn } from "../sealed.ts";
import type { RenderedResource } from "../target.ts";
import { GROUPS, SIGNATURES } from "../tlsSettings.ts";
import { adsSource, duration, encode, pack, type Ref, resourceOf, typeUrls } from "./types.ts";

type ChainInit = MessageInitShape<typeof FilterChainSchema> & object;
type CommonInit = MessageInitShape<typeof CommonTlsContextSchema> & object;

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

/** What a chain ends TLS with. */
export interface Ended {
  readonly server: TlsServerIr;
  /** Null: no certificate is asked for. */
  readonly clients: ClientAuthenticationIr | null;
  /** A handshake that takes longer is cut. */
  readonly handshakeMs: number;
}

/** What a chain needs to end TLS. */
export function tlsTransport(ended: Ended): Transport {
  const context = tlsContext(ended);
  return {
    transportSocket: {
      name: "envoy.transport_sockets.tls",
      configType: { case: "typedConfig", value: pack(DownstreamTlsContextSchema, context) },
    },
    transportSocketConnectTimeout: duration(ended.handshakeMs),
  };
}

/** Of a filter chain. */
export type Transport = Pick<ChainInit, "transportSocket" | "transportSocketConnectTimeout">;

/** What is agreed on with clients, and what they are shown. */
export function tlsContext({ server, clients }: Pick<Ended, "server" | "clients">): DownstreamTlsContext {
  const { cipherSuites, minVersion, maxVersion, alpn } = server;
  return create(DownstreamTlsContextSchema, {
    ...(clients === null ? {} : { ...NO_SESSIONS, requireClientCertificate: clients.mode === "require" }),
    commonTlsContext: {
      ...(clients === null ? {} : trusted(clients)),
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
}

/** Nobody is verified when a session is resumed, and Envoy no longer knows then what came of it the first time. */
const NO_SESSIONS = {
  sessionTicketKeysType: { case: "disableStatelessSessionResumption", value: true },
  disableStatefulSessionResumption: true,
} as const;

/** Envoy lets everybody in where it has no authority: the chain is not used before it has this one. */
function trusted(clients: ClientAuthenticationIr): Pick<CommonInit, "validationContextType"> {
  const { mode } = clients;
  const sds = { name: authorityName(trustedName(clients)), sdsConfig: adsSource() };
  if (mode !== "report") return { validationContextType: { case: "validationContextSdsSecretConfig", value: sds } };
  const value = {
    defaultValidationContext: { trustChainVerification: TrustChain.ACCEPT_UNTRUSTED },
    validationContextSdsSecretConfig: sds,
  };
  return { validationContextType: { case: "combinedValidationContext", value } };
}

/** No certificate has a name with a colon, and both kinds are secrets of one type. */
export function authorityName(authority: string): string {
  return `authority:${authority}`;
}

/** The secrets that a chain names. */
export function secretRefs({ server, clients }: Ended): readonly Ref[] {
  const names = [...server.certificates, ...(clients === null ? [] : [authorityName(trustedName(clients))])];
  return names.map((name) => [typeUrls.secret, name]);
}
