/** Header fields that a rule changes for calls: nginx keeps them in a table of its own. */
import type { RuleIr } from "../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../target.ts";

/**
 * The table of `grpc_set_header` has buckets of 64 bytes, which no directive makes larger (`proxy_headers_hash_bucket_size` has no such
 * twin): a longer name is refused with "could not build grpc_headers_hash". Measured with 1.22.
 */
const MAX_NAME = 46;

/** In the table. */
export const longName = {
  refused: `has a name of more than ${MAX_NAME} characters in a rule for calls of gRPC: nginx cannot keep it`,
  code: "L7-GRPC-HEADER-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** Of a rule. */
export function inspectGrpcHeaders({ protocol, name, route, pointer, policies }: RuleIr): readonly Finding[] {
  const { requestHeaders } = policies;
  if (protocol !== "grpc" || requestHeaders === null) return NONE;
  const { set, add, remove } = requestHeaders;
  const long = [...set, ...add]
    .map((one) => one.name)
    .concat(remove)
    .find((one) => one.length > MAX_NAME);
  if (long === undefined) return NONE;
  const what = `${JSON.stringify(long)} is a name of more than ${MAX_NAME} characters`;
  const message = `rule ${name}: ${what}: nginx cannot change such a field of calls`;
  const resource = { kind: "route", name: route } as const;
  return [{ code: longName.code, severity: "error", message, resource, pointer: `${pointer}/requestHeaders` }];
}

const NONE: readonly Finding[] = [];
