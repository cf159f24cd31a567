/** TLS to a cluster's endpoints: a file of directives, which locations and TCP servers that forward to the cluster include. */
import type { AuthorityIr, ClusterIr, ClusterTlsIr } from "../../../ir/index.ts";
import type { RenderedFile } from "../../target.ts";
import { SYSTEM_TRUST, VERIFY_DEPTH } from "../../tlsSettings.ts";
import { block } from "../blocks.ts";
import { authorityFile, revocationFile } from "../names.ts";
import { word } from "../quote.ts";
import { chainFile, keyFile, protocolsOf } from "../tls.ts";
import type { Block } from "../views.ts";

/** Names of the clusters whose endpoints are reached inside TLS. */
export type Secured = ReadonlySet<string>;

/** Those of a fleet. */
export function securedOf(clusters: readonly ClusterIr[]): Secured {
  return new Set(clusters.filter(({ tls }) => tls !== null).map(({ name }) => name));
}

/** The line of a location. */
export function tlsInclude(cluster: string): Block {
  return block("endpointTlsInclude", { path: word(endpointTlsFile(cluster)) });
}

/** What is included. */
export function endpointTlsFile(cluster: string): string {
  return `endpoint-tls/${cluster}.conf`;
}

const MODE = 0o644;

/** The files of clusters. */
export function endpointTlsFiles(clusters: readonly ClusterIr[]): readonly RenderedFile[] {
  return clusters.flatMap(({ name, tls }) =>
    tls === null ? [] : [{ path: endpointTlsFile(name), text: block("endpointTls", viewOf(tls)).text, mode: MODE }],
  );
}

/** An authority's files. */
export function authorityFiles(authorities: readonly AuthorityIr[]): readonly RenderedFile[] {
  return authorities.flatMap(({ name, bundle, crl }) => [
    { path: authorityFile(name), text: bundle, mode: MODE },
    ...(crl === null ? [] : [{ path: revocationFile(name), text: crl, mode: MODE }]),
  ]);
}

function viewOf({ serverName, verification, clientCertificate, ...versions }: ClusterTlsIr) {
  return {
    serverName: serverName === null ? null : word(serverName),
    verified: verification === null ? null : verifiedBy(verification.authority),
    certificate:
      clientCertificate === null
        ? null
        : { chain: word(chainFile(clientCertificate)), key: word(keyFile(clientCertificate)) },
    protocols: protocolsOf(versions),
  };
}

function verifiedBy(authority: NonNullable<ClusterTlsIr["verification"]>["authority"]) {
  const bundle = authority === null ? SYSTEM_TRUST : authorityFile(authority.name);
  const revoked = authority?.revokes ? word(revocationFile(authority.name)) : null;
  return { authority: word(bundle), revoked, depth: word(VERIFY_DEPTH) };
}
