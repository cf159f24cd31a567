/** Which of a cluster's backends a rule's requests go to, unless it has one alone: HAProxy says some things of a backend only. */
import type { RetryIr, RuleIr } from "../../../ir/index.ts";
import { retryBackend } from "./retry.ts";

/** The backend for calls of gRPC. No rule alone has a backend of this form: those have two colons. */
export function callBackend(cluster: string): string {
  return `${cluster}:grpc`;
}

/** What of a rule decides. */
export interface RuleForm {
  readonly protocol: RuleIr["protocol"];
  /** Null of calls. */
  readonly retry: RetryIr | null;
}

/** Its name. */
export function ruleBackend(cluster: string, { protocol, retry }: RuleForm): string {
  if (protocol === "grpc") return callBackend(cluster);
  return retry === null ? cluster : retryBackend(cluster, retry);
}
