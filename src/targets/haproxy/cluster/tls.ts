/** TLS of a backend's servers. */
import type { AuthorityIr, ClusterIr, ClusterTlsIr } from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import { verifiedName } from "../../clusterTls.ts";
import type { RenderedFile } from "../../target.ts";
import { SYSTEM_TRUST } from "../../tlsSettings.ts";
import { authorityFile, certificateFile, revocationFile } from "../names.ts";
import { file, name, word } from "../quote.ts";

/** Part of `backend.hbs`. */
export interface ServerTlsView {
  /** What is asked for; null: nothing. */
  readonly serverName: Quoted<"name"> | null;
  /** Null: anybody is taken. */
  readonly verified: {
    readonly name: Quoted<"name">;
    readonly authority: Quoted<"word">;
    readonly revoked: Quoted<"file"> | null;
  } | null;
  readonly certificate: Quoted<"file"> | null;
  readonly minVersion: Quoted<"name">;
  readonly maxVersion: Quoted<"name">;
  /** What requests speak, and what probes do where that is something else; null: nothing is said. */
  readonly alpn: Quoted<"name"> | null;
  readonly checkAlpn: Quoted<"name"> | null;
}

/** Who speaks HTTP/2. */
interface Spoken {
  readonly requests: boolean;
  readonly probes: boolean;
}

const H2 = name("h2");

/** Null: in the clear. */
export function serverTlsView(tls: ClusterTlsIr | null, http2: Spoken): ServerTlsView | null {
  if (tls === null) return null;
  const { serverName, clientCertificate, minVersion, maxVersion } = tls;
  return {
    serverName: serverName === null ? null : name(serverName),
    verified: verifiedBy(tls),
    certificate: clientCertificate === null ? null : file(certificateFile(clientCertificate)),
    minVersion: name(`TLSv${minVersion}`),
    maxVersion: name(`TLSv${maxVersion}`),
    alpn: http2.requests ? H2 : null,
    // Probes say what requests say, unless they are told.
    checkAlpn: http2.probes && !http2.requests ? H2 : null,
  };
}

function verifiedBy(tls: ClusterTlsIr): ServerTlsView["verified"] {
  if (tls.verification === null) return null;
  const { authority } = tls.verification;
  const own = name(verifiedName(tls));
  if (authority === null) return { name: own, authority: word(SYSTEM_TRUST), revoked: null };
  const revoked = authority.revokes ? file(revocationFile(authority.name)) : null;
  return { name: own, authority: word(authorityFile(authority.name)), revoked };
}

/** Files of the certificates that clusters show, each once. */
export function clientCertificates(
  clusters: readonly Pick<ClusterIr, "tls">[],
): readonly { readonly certificate: Quoted<"file"> }[] {
  const names = new Set(clusters.flatMap(({ tls }) => tls?.clientCertificate ?? []));
  return [...names].sort().map((own) => ({ certificate: file(certificateFile(own)) }));
}

const MODE = 0o644;

/** An authority's files. */
export function authorityFiles({ name: own, bundle, crl }: AuthorityIr): readonly RenderedFile[] {
  const bundled = { path: authorityFile(own), text: bundle, mode: MODE };
  return crl === null ? [bundled] : [bundled, { path: revocationFile(own), text: crl, mode: MODE }];
}
