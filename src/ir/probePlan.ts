/** What is to be probed for a proxy that cannot do it: a file of its rendering, which the agent beside it reads. */
import type { HealthCheckIr } from "./healthCheck.ts";
import type { TlsVersion } from "./tls.ts";

/** The file's path. It is no file of the proxy's. */
export const PROBE_PLAN_FILE = "probes.json";

/** How far a text is looked for in what an endpoint sends: as far as the other proxies look. */
export const MAX_ANSWER_BYTES = 8 * 1024;

/** What the file holds, as JSON. Nothing in it is of the machine on which it is read. */
export interface ProbePlan {
  /** Ascending by name. */
  readonly clusters: readonly ProbedCluster[];
}

/** A cluster with a health check. */
export interface ProbedCluster {
  readonly name: string;
  readonly check: HealthCheckIr;
  /** Absent: in the clear. */
  readonly tls?: ProbedTls;
  /** Those that the model lets serve, if only clients that they have. */
  readonly endpoints: readonly ProbedEndpoint[];
}

/** Where one of its endpoints takes requests. */
export interface ProbedEndpoint {
  readonly address: string;
  readonly port: number;
}

/** How its endpoints are reached inside TLS. Files are others of the rendering, or named by an absolute path. */
export interface ProbedTls {
  /** What is asked for (SNI); null: nothing is. */
  readonly serverName: string | null;
  /** Null: nothing is verified. */
  readonly verified: {
    /** A DNS name that a certificate has to have. */
    readonly name: string;
    readonly authority: string;
    readonly revoked: string | null;
  } | null;
  readonly certificate: { readonly chain: string; readonly key: string } | null;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
}
