/** TLS of a backend's servers. */
import type { AuthorityIr, ClusterIr, ClusterTlsIr } from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import type { RenderedFile } from "../../target.ts";
import { SYSTEM_TRUST } from "../../tlsSettings.ts";
import { authorityFile, certificateFile, revocationFile } from "../names.ts";
import { file, name, word } from "../quote.ts";

/** Part of `backend.hbs`. */
export interface ServerTlsView {
  /** What is asked for; null: nothing. */
  readonly serverName: Quoted<"name"> | null;
  /** Null: anybody is taken. */
  readonly verified: { readonly authority: Quoted<"word">; readonly revoked: Quoted<"file"> | null } | null;
  readonly certificate: Quoted<"file"> | null;
  readonly minVersion: Quoted<"name">;
  readonly maxVersion: Quoted<"name">;
}

/** Null: in the clear. */
export function serverTlsView(tls: ClusterTlsIr | null): ServerTlsView | null {
  if (tls === null) return null;
  const { serverName, verification, clientCertificate, minVersion, maxVersion } = tls;
  return {
    serverName: serverName === null ? null : name(serverName),
    verified: verification === null ? null : verifiedBy(verification.authority),
    certificate: clientCertificate === null ? null : file(certificateFile(clientCertificate)),
    minVersion: name(`TLSv${minVersion}`),
    maxVersion: name(`TLSv${maxVersion}`),
  };
}

function verifiedBy(authority: NonNullable<ClusterTlsIr["verification"]>["authority"]): ServerTlsView["verified"] {
  if (authority === null) return { authority: word(SYSTEM_TRUST), revoked: null };
  const { name: own, revokes } = authority;
  return { authority: word(authorityFile(own)), revoked: revokes ? file(revocationFile(own)) : null };
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
