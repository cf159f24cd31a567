/**
 * TLS to a cluster's endpoints: a file of directives, which locations and TCP servers that forward to the cluster include. Those for calls
 * of gRPC have a file of their own.
 */
import type { AuthorityIr, ClusterIr, ClusterTlsIr, ProbedTls, VerificationIr } from "../../../ir/index.ts";
import { verifiedName } from "../../clusterTls.ts";
import type { RenderedFile } from "../../target.ts";
import { SYSTEM_TRUST, VERIFY_DEPTH } from "../../tlsSettings.ts";
import { block } from "../blocks.ts";
import { moduleOf } from "../forwardModule.ts";
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

type Module = ReturnType<typeof moduleOf>;

/** The line of a location. */
export function tlsInclude(cluster: string, module: Module = REQUESTS): Block {
  return block("endpointTlsInclude", { path: word(endpointTlsFile(cluster, module)) });
}

const REQUESTS = moduleOf({ protocol: "http" });
const CALLS = moduleOf({ protocol: "grpc" });

/** What is included. */
function endpointTlsFile(cluster: string, module: Module): string {
  return module === CALLS ? `endpoint-tls/calls/${cluster}.conf` : `endpoint-tls/${cluster}.conf`;
}

const MODE = 0o644;

/** The files of clusters; calls go to those that speak HTTP/2. */
export function endpointTlsFiles(clusters: readonly ClusterIr[], hasCalls: boolean): readonly RenderedFile[] {
  return clusters.flatMap(({ name, tls, protocol }) => {
    if (tls === null) return [];
    const modules = hasCalls && protocol === "http2" ? [REQUESTS, CALLS] : [REQUESTS];
    return modules.map((module) => ({
      path: endpointTlsFile(name, module),
      text: block("endpointTls", { module, ...viewOf(tls) }).text,
      mode: MODE,
    }));
  });
}

/** An authority's files. */
export function authorityFiles(authorities: readonly AuthorityIr[]): readonly RenderedFile[] {
  return authorities.flatMap(({ name, bundle, crl }) => [
    { path: authorityFile(name), text: bundle, mode: MODE },
    ...(crl === null ? [] : [{ path: revocationFile(name), text: crl, mode: MODE }]),
  ]);
}

function viewOf(tls: ClusterTlsIr) {
  const { serverName, verified, certificate } = probedTls(tls);
  const named = verified?.name ?? serverName;
  return {
    isAsked: serverName !== null,
    name: named === null ? null : word(named),
    verified:
      verified === null
        ? null
        : {
            authority: word(verified.authority),
            revoked: verified.revoked === null ? null : word(verified.revoked),
            depth: word(VERIFY_DEPTH),
          },
    certificate: certificate === null ? null : { chain: word(certificate.chain), key: word(certificate.key) },
    protocols: protocolsOf(tls),
  };
}

/** The same for the agent, which probes as requests go. */
export function probedTls(tls: ClusterTlsIr): ProbedTls {
  const { serverName, verification, clientCertificate, minVersion, maxVersion } = tls;
  return {
    serverName,
    verified: verification === null ? null : { name: verifiedName(tls), ...trustedFiles(verification) },
    certificate:
      clientCertificate === null ? null : { chain: chainFile(clientCertificate), key: keyFile(clientCertificate) },
    minVersion,
    maxVersion,
  };
}

function trustedFiles({ authority }: VerificationIr) {
  if (authority === null) return { authority: SYSTEM_TRUST, revoked: null };
  const { name, revokes } = authority;
  return { authority: authorityFile(name), revoked: revokes ? revocationFile(name) : null };
}
