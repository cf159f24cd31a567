/**
 * Another try on another endpoint: of a connection that cannot be made for every request, and of a request that was sent already
 * only where `RESENT_METHODS` has its method and it has no body. Envoy's policy of a route knows no methods, but it adds what the
 * request asks for in `x-envoy-retry-on`: a filter of the listener writes that, and the router takes it off.
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { HeaderValueOption_HeaderAppendAction as Append } from "../../gen/proto/envoy/config/core/v3/base_pb.js";
import { RetryPolicySchema } from "../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import { HeaderMutationSchema } from "../../gen/proto/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.js";
import { PreviousHostsPredicateSchema } from "../../gen/proto/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js";
import { CONNECT_TRIES, RESENT_METHODS } from "../../ir/index.ts";
import { CODING_HEADER, RETRY_ON_HEADER } from "./noted.ts";
import { anyOf, fieldIs, fieldIsOneOf, not, skippedWhere } from "./skipping.ts";
import { duration, pack } from "./types.ts";

/**
 * Hosts that are drawn before one that was tried already is taken again. Of two endpoints with leastRequest each draw finds the other one
 * with a probability of 1 in 16: in 256 draws all but one in 10 million times. A draw takes some 50 ns.
 */
const DRAWS = 256n;
/** Envoy's own 25 ms would be felt. It takes no 0. */
const BACK_OFF_MS = 1;

/** The RetryPolicy of every virtual host; a route that has one of its own has all of this too. */
export const retryPolicy = {
  retryOn: "connect-failure",
  numRetries: CONNECT_TRIES - 1,
  retryHostPredicate: [
    {
      name: "envoy.retry_host_predicates.previous_hosts",
      configType: {
        case: "typedConfig",
        value: pack(PreviousHostsPredicateSchema, create(PreviousHostsPredicateSchema)),
      },
    },
  ],
  hostSelectionRetryMaxAttempts: DRAWS,
  retryBackOff: { baseInterval: duration(BACK_OFF_MS) },
} satisfies MessageInitShape<typeof RetryPolicySchema>;

/** Its bytes. */
export const retryPolicyBytes: Uint8Array = toBinary(RetryPolicySchema, create(RetryPolicySchema, retryPolicy));

const ask = create(HeaderMutationSchema, {
  mutations: {
    requestMutations: [
      {
        action: {
          case: "append",
          value: {
            header: { key: RETRY_ON_HEADER, value: "reset" },
            appendAction: Append.OVERWRITE_IF_EXISTS_OR_ADD,
          },
        },
      },
    ],
  },
});

/** Of nearly all requests the first one is asked for. */
function usualFirst(a: string, b: string): number {
  return Number(b === "GET") - Number(a === "GET");
}

/** Requests that are sent once. */
const sentOnce = anyOf([
  not(fieldIsOneOf(":method", RESENT_METHODS.toSorted(usualFirst))),
  fieldIs("content-length", ".*"),
  fieldIs(CODING_HEADER, ".+"),
]);

/** The filter. */
export const resending = {
  name: "trimtab.resending",
  configType: {
    case: "typedConfig",
    value: skippedWhere(sentOnce, {
      name: "envoy.filters.http.header_mutation",
      typedConfig: pack(HeaderMutationSchema, ask),
    }),
  },
} as const;
