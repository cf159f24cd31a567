/** TLS to a cluster's endpoints; certificates and authorities are resources of their own (SDS). */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { CertificateValidationContextSchema } from "../../../gen/proto/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import { SecretSchema } from "../../../gen/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import {
  type CommonTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../../../gen/proto/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import type { AuthorityIr, ClusterTlsIr } from "../../../ir/index.ts";
import type { RenderedResource } from "../../target.ts";
import { SYSTEM_TRUST } from "../../tlsSettings.ts";
import { authorityName, PROTOCOLS } from "../tls.ts";
import { adsSource, encode, pack, type Ref, resourceOf, typeUrls } from "../types.ts";
import { certificateName } from "./certificateName.ts";

type Context = MessageInitShape<typeof CommonTlsContextSchema> & object;

/** An authority as a resource. */
export function authoritySecret({ name, bundle, crl }: AuthorityIr): RenderedResource {
  const text = (value: string) => ({ specifier: { case: "inlineString" as const, value } });
  const value = { trustedCa: text(bundle), ...(crl === null ? {} : { crl: text(crl) }) };
  const own = authorityName(name);
  const message = create(SecretSchema, { name: own, type: { case: "validationContext", value } });
  return resourceOf(typeUrls.secret, own, { bytes: encode(SecretSchema, message), refs: [] });
}

/** The transport socket of a Cluster. */
export function tlsTransport(tls: ClusterTlsIr) {
  const { serverName, clientCertificate, minVersion, maxVersion } = tls;
  const secret = (name: string) => ({ name, sdsConfig: adsSource() });
  const context = create(UpstreamTlsContextSchema, {
    sni: serverName ?? "",
    commonTlsContext: {
      tlsParams: {
        tlsMinimumProtocolVersion: PROTOCOLS[minVersion],
        tlsMaximumProtocolVersion: PROTOCOLS[maxVersion],
      },
      tlsCertificateSdsSecretConfigs: clientCertificate === null ? [] : [secret(clientCertificate)],
      ...validation(tls),
    },
  });
  return {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig" as const, value: pack(UpstreamTlsContextSchema, context) },
  };
}

/** Without it Envoy verifies nothing, and with an authority alone it takes any name. */
function validation({ verification }: ClusterTlsIr): Pick<Context, "validationContextType"> {
  if (verification === null) return {};
  const named: MessageInitShape<typeof CertificateValidationContextSchema> & object = {
    matchTypedSubjectAltNames: verification.names.map(certificateName),
  };
  const { authority } = verification;
  if (authority === null) {
    const trustedCa = { specifier: { case: "filename" as const, value: SYSTEM_TRUST } };
    return { validationContextType: { case: "validationContext", value: { ...named, trustedCa } } };
  }
  const sds = { name: authorityName(authority.name), sdsConfig: adsSource() };
  const value = { defaultValidationContext: named, validationContextSdsSecretConfig: sds };
  return { validationContextType: { case: "combinedValidationContext", value } };
}

/** The secrets that a Cluster names. */
export function secretRefs(tls: ClusterTlsIr | null): readonly Ref[] {
  const authority = tls?.verification?.authority ?? null;
  const certificate = tls?.clientCertificate ?? null;
  return [
    ...(certificate === null ? [] : [[typeUrls.secret, certificate] as const]),
    ...(authority === null ? [] : [[typeUrls.secret, authorityName(authority.name)] as const]),
  ];
}
