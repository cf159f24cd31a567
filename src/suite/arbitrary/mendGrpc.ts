/** Makes of drawn routes such of gRPC, and of others none: what belongs to the one is refused in the other. */
import { MAX_CALL_FIELD_NAME } from "../../targets/nginx/grpcHeaders.ts";
import type { Document } from "./names.ts";

type Part = Record<string, unknown>;

/** What a call has no place for. */
const OF_HTTP = ["path", "method", "query", "cookies"];
const OF_HTTP_RULES = ["redirect", "respond", "rewrite"];
const OF_HTTP_RETRY = ["on", "statuses", "methods", "perTryTimeout"];

/** The cluster that speaks HTTP/2. */
const CLUSTER = "calls";

/** Changes the document. */
export function mendGrpc({ routes = [] }: Document): void {
  for (const route of routes) {
    for (const rule of route.rules as Part[]) {
      if (route.protocol === "grpc") makeCalls(rule);
      else takeCalls(rule);
    }
  }
}

function makeCalls(rule: Part): void {
  for (const field of OF_HTTP_RULES) delete rule[field];
  // Also beside a redirect, where it was not drawn.
  rule.split = [{ cluster: CLUSTER }];
  const { retry, matches = [] } = rule as { retry?: Part; matches?: Part[] };
  for (const field of OF_HTTP_RETRY) delete retry?.[field];
  if (retry?.grpcStatuses === undefined) delete rule.retry;
  for (const policy of ["requestHeaders", "responseHeaders"]) shortNames(rule[policy] as HeaderChanges | undefined);
  for (const match of matches) {
    for (const field of OF_HTTP) delete match[field];
    const { grpc } = match as { grpc?: Part };
    if (grpc?.serviceRegex !== undefined) delete grpc.service;
    if (grpc?.methodRegex !== undefined) delete grpc.method;
  }
}

interface HeaderChanges {
  set?: { name: string }[];
  add?: { name: string }[];
  remove?: string[];
}

function shortNames(changes: HeaderChanges | undefined): void {
  if (changes === undefined) return;
  const isShort = (name: string): boolean => name.length <= MAX_CALL_FIELD_NAME;
  for (const list of ["set", "add"] as const)
    if (changes[list] !== undefined) changes[list] = changes[list].filter(({ name }) => isShort(name));
  if (changes.remove !== undefined) changes.remove = changes.remove.filter(isShort);
}

function takeCalls({ retry, matches = [] }: { retry?: Part; matches?: Part[] }): void {
  delete retry?.grpcStatuses;
  for (const match of matches) delete match.grpc;
}
