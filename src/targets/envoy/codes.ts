/** Codes that only the Envoy target reports. */
import type { ErrorCodes } from "../../errors/codes.ts";

/** Refusals and approximations of Envoy. */
export const envoyCodes = {
  "ENVOY-VERSION": {
    status: 422,
    title: "Envoy too old",
    explanation:
      "The fleet's `version` is older than the oldest Envoy that Trimtab writes for. Upgrade the proxies, then the field.",
  },
  "L4-UDP-SPLIT-ENVOY": {
    status: 422,
    title: "UDP listener with several clusters",
    explanation:
      "Envoy's UDP proxy has no weights: all sessions of a listener go to one cluster. Put the endpoints in one cluster, with weights, or serve the listener with nginx.",
  },
  "L7-COOKIE-ANCHOR": {
    status: 422,
    title: "Anchor in a cookie's expression",
    explanation:
      "Envoy finds a cookie by an expression over the whole Cookie header, where `^` and `$` mean its ends. Leave them out: an expression matches the whole value anyway.",
  },
  "L7-REGEX-SIZE": {
    status: 422,
    title: "Regex too large",
    explanation:
      "The expression compiles to more RE2 instructions than Envoy loads. Use fewer or smaller counted repeats.",
  },
  "L7-REDIRECT-HOST": {
    status: 422,
    title: "Redirect to the host as it was written",
    explanation:
      "A warning. Under a wildcard Envoy copies the Host header into Location as the client wrote it. Set `redirect.hostname` to avoid it.",
  },
  "LB-LC-WEIGHTS-ENVOY": {
    status: 422,
    title: "Least request with unequal weights",
    explanation:
      "A warning. With unequal weights Envoy's least request is a weighted round robin that takes running requests into account. One request at a time goes by weight; under load the endpoint with the larger weight gets less than its share.",
  },
} as const satisfies ErrorCodes;
