/** The vocabulary of the prober. */
import type { HealthCheckIr, ProbedCluster, ProbedEndpoint } from "../../ir/index.ts";
import type { EndpointTls } from "./endpointTls.ts";

/**
 * Makes one probe on a connection of its own, which is closed again. Null: it passed; else a short reason. Ends within `timeoutMs`;
 * where this process was held up, so much later, at most twice that.
 */
export type Probe = (at: ProbedEndpoint, check: HealthCheckIr, tls: EndpointTls | null) => Promise<string | null>;

/** What is to be probed. */
export interface ReadyPlan {
  readonly clusters: readonly ReadyCluster[];
}

/** A cluster with a health check, and how its endpoints are reached. */
export interface ReadyCluster extends Pick<ProbedCluster, "name" | "check" | "endpoints"> {
  /** Null: in the clear. */
  readonly tls: EndpointTls | null;
}

/** Time, so that tests can be without it. */
export interface Clock {
  /** Milliseconds that only grow. */
  now(): number;
  /** Runs once, after so many milliseconds; gives what calls it off. */
  after(milliseconds: number, run: () => void): () => void;
}

/** An endpoint of a cluster that gets nothing. */
export interface EndpointDown extends ProbedEndpoint {
  readonly cluster: string;
  /** Why a probe failed last; null: none has ended yet. */
  readonly reason: string | null;
  /** RFC 3339. */
  readonly since: string;
}

/** An endpoint went, or came back. What passes its first probe, and what is unknown, is not told of. */
export type EndpointChange =
  | ({ readonly kind: "endpoint-down" } & EndpointDown & { readonly reason: string })
  | ({ readonly kind: "endpoint-up"; readonly cluster: string } & ProbedEndpoint);
