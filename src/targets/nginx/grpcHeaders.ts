/** Header fields that a rule changes for calls, or rules look at: nginx keeps them in a table of its own. */
import { type FleetIr, fieldsReadBy, type RuleIr } from "../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../target.ts";

/**
 * The tables of `grpc_set_header` and `grpc_hide_header` have buckets of 64 bytes, which no directive makes larger: there is no twin of
 * `proxy_headers_hash_bucket_size`. A longer name is refused with "could not build grpc_headers_hash". Measured with 1.22.
 */
export const MAX_CALL_FIELD_NAME = 46;

/** In the table. */
export const longName = {
  refused: `has a name of more than ${MAX_CALL_FIELD_NAME} characters in a rule for calls of gRPC: nginx cannot keep it`,
  code: "L7-GRPC-HEADER-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** The same of a name that rules look at: such a field is sent on as they have seen it. */
export const longMatch = {
  refused: `has more than ${MAX_CALL_FIELD_NAME} characters on a listener to which calls of gRPC come: nginx cannot pass such a field of calls on`,
  code: longName.code,
  when: foundByInspection,
} as const satisfies Support;

/** Of the listeners that calls come to: fields that some rule looks at. */
export function inspectCallMatches({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) => {
    if (port.kind !== "http") return [];
    const rules = port.virtualHosts.flatMap((host) => host.rules);
    if (!rules.some(({ protocol }) => protocol === "grpc")) return [];
    return rules.flatMap((rule) => {
      const long = fieldsReadBy([rule]).find((name) => name.length > MAX_CALL_FIELD_NAME);
      return long === undefined ? [] : [matchFinding(rule, long)];
    });
  });
}

function matchFinding({ name, route, pointer }: RuleIr, long: string): Finding {
  const message = `rule ${name}: ${JSON.stringify(long)} ${longMatch.refused}`;
  return {
    code: longMatch.code,
    severity: "error",
    message,
    resource: { kind: "route", name: route },
    pointer: `${pointer}/matches`,
  };
}

/** Of a rule: fields that it changes both ways. */
export function inspectGrpcHeaders(rule: RuleIr): readonly Finding[] {
  if (rule.protocol !== "grpc") return NONE;
  return POLICIES.flatMap((policy) => {
    const changes = rule.policies[policy];
    if (changes === null) return [];
    const names = [...changes.set, ...changes.add].map((one) => one.name).concat(changes.remove);
    const long = names.find((one) => one.length > MAX_CALL_FIELD_NAME);
    return long === undefined ? [] : [findingOf(rule, policy, long)];
  });
}

const POLICIES = ["requestHeaders", "responseHeaders"] as const;

function findingOf({ name, route, pointer }: RuleIr, policy: string, long: string): Finding {
  const what = `${JSON.stringify(long)} is a name of more than ${MAX_CALL_FIELD_NAME} characters`;
  const message = `rule ${name}: ${what}: nginx cannot change such a field of calls`;
  const resource = { kind: "route", name: route } as const;
  return { code: longName.code, severity: "error", message, resource, pointer: `${pointer}/${policy}` };
}

const NONE: readonly Finding[] = [];
