/** The codes of the model room: shape and cross-resource rules. */
import type { ErrorCodes } from "../errors/codes.ts";

const unprocessable = (title: string, explanation: string) => ({ status: 422, title, explanation });

export const modelCodes = {
  "SCHEMA-UNKNOWN-FIELD": unprocessable(
    "Unknown field",
    "The document has a field that the schema does not know. The message lists the known ones.",
  ),
  "SCHEMA-MISSING-FIELD": unprocessable(
    "Missing field",
    "A required field is not there. The pointer is the place where it should stand.",
  ),
  "SCHEMA-TYPE": unprocessable("Wrong type", "The value has another JSON type than the field."),
  "SCHEMA-EXACTLY-ONE": unprocessable(
    "Exactly one needed",
    "None or several of the alternatives are given; exactly one must be.",
  ),
  "SCHEMA-FORMAT": unprocessable("Malformed value", "The text does not have the form that its type asks for."),
  "SCHEMA-NOT-ALLOWED": unprocessable("Value not allowed", "The value is not one of those that the field takes."),
  "SCHEMA-LIMIT": unprocessable("Limit broken", "A number, list or text is outside the stated limits."),
  "MODEL-DUPLICATE-NAME": unprocessable("Duplicate name", "Two resources of one kind have the same name."),
  "MODEL-REFERENCE": unprocessable(
    "Dangling reference",
    "The document names a resource that does not exist (or that this write deletes).",
  ),
  "MODEL-LIMIT": unprocessable(
    "Too many resources",
    "The model would hold more resources of a kind than a document may list.",
  ),
  "MODEL-TOO-LARGE": unprocessable(
    "Model too large",
    "What the documents amount to is over a bound: their bytes, the matches of rules (each for every hostname, listener and fleet), the work on regular expressions, what is written for all fleets, or the rules that are looked at in turn for a path. The message gives the figure, the limit and what most of it comes of. Split the model between servers, or give the server more memory (`serve --memory-limit`): the bounds grow with it.",
  ),
  "MODEL-PORT-CLASH": unprocessable(
    "Port clash",
    "Two listeners of a fleet want the same socket (UDP has its own beside TCP's, unless `http.http3` takes that too). Only HTTP listeners, or HTTPS and TLS listeners, with different hostnames and the same limits for clients (`http`, `idleTimeout`, `connectionLimit`, `proxyProtocol`) can share one.",
  ),
  "MODEL-HAIRPIN": unprocessable(
    "Requests come back",
    "An endpoint is a listener of the model from which requests reach the same listener again: each would go round until connections or ports run out. Loopback addresses are the machine of the proxy that connects to them.",
  ),
  "MODEL-PROCESS": unprocessable(
    "Bad process settings",
    "A value of a fleet's `process` is outside of what every proxy can be told. The message gives the range.",
  ),
  "MODEL-RETRY": unprocessable(
    "Parts of `retry` that do not fit",
    "`statuses`, `methods` and `timeout` in `on` need `reset` in `on`, `perTryTimeout` needs `timeout` there, and a range of statuses runs upwards.",
  ),
  "MODEL-GRPC": unprocessable(
    "Not of gRPC",
    "A rule of a route of protocol grpc matches calls by `grpc`, `headers`, `source` and `geo`, and forwards them to clusters of `protocol: http2`; its listeners speak HTTP/2 (`http.http2`). `grpc` and `grpcStatuses` stand in such routes only.",
  ),
  "MODEL-PROXY-PROTOCOL": unprocessable(
    "PROXY header before packets",
    "A UDP route's cluster has `proxyProtocol`. The header begins connections, and UDP has none. Leave it off, or give the UDP listener a cluster of its own.",
  ),
  "MODEL-PROTOCOL": unprocessable(
    "Protocol mismatch",
    "A route and its listener speak different protocols, or a field belongs to another protocol.",
  ),
  "MODEL-TCP-ROUTE": unprocessable(
    "TCP route",
    "A TCP or UDP route is one rule with a split, and the only route of its listener. A TLS route is one rule with a split too, and the only one for its names on a listener.",
  ),
  "MODEL-HOSTNAME-SCOPE": unprocessable(
    "Hostname out of scope",
    "A route's hostname is outside the hostnames of its listeners. A warning while others remain.",
  ),
  "MODEL-HOSTNAME-SHADOWED": unprocessable(
    "Hostname shadowed",
    "Another listener on the same address and port is more specific and takes this host's requests. A warning.",
  ),
  "MODEL-DUPLICATE-MATCH": unprocessable(
    "Duplicate match",
    "Two rules have the same listener, host and match: which one wins would be a guess.",
  ),
  "MODEL-SPLIT": unprocessable("Bad split", "The weights of a split add up to 0, or a cluster stands in it twice."),
  "MODEL-CANARY": unprocessable(
    "Bad canary",
    "A canary must name a rule whose split holds exactly its two clusters, and a step that exists.",
  ),
  "MODEL-CANARY-STATE": unprocessable(
    "Canary's state kept",
    "A warning. Where a canary stands is the server's: no document sets it, and it stays while the canary moves the same rule to the same cluster. The message says where the canary stands now; `PUT /v1/canaries/{name}/state` moves it.",
  ),
  "MODEL-RULE": unprocessable("Parts do not fit", "A part of a rule needs another part that is not there."),
  "MODEL-RESPOND": unprocessable(
    "Bad direct response",
    "The status cannot be given alike by all proxies, or HTTP allows no body with it.",
  ),
  "MODEL-HEADER-SIZE": unprocessable(
    "Too much added to a head",
    "What a rule sets and adds of one head's fields has more bytes than every proxy has room for beside the largest head.",
  ),
  "MODEL-HEADER": unprocessable(
    "Bad header",
    "A header belongs to one connection or to the proxies, is named twice, is no list that can be added to, or is the Via by which a listener knows requests again (`viaGuard`).",
  ),
  "MODEL-PATH": unprocessable("Unreachable path", "Requests with such a path are answered 400 on every proxy."),
  "MODEL-ENDPOINT": unprocessable(
    "Bad endpoint",
    "An address and port stand twice in a cluster, or the address is none to connect to.",
  ),
  "MODEL-LOCALITY": unprocessable(
    "Endpoint without a zone's weight",
    "A cluster has weights of zones, and one of its endpoints stands in no zone or in one without a weight.",
  ),
  "MODEL-GEO": unprocessable(
    "Bad geo table",
    "A range stands twice in a geo table, its ranges lie in each other so that they are too many for Envoy, or a rule asks for a label that the table does not give.",
  ),
  "LB-ZONE-WEIGHTS": unprocessable(
    "Shares of zones come out coarse",
    "A warning. Weights of zones become weights of endpoints from 1 to 256, the range that every proxy takes, and the share of some endpoint is off by more than 1 % of itself. It is so when one endpoint should get hundreds of times as much as another.",
  ),
  "MODEL-PREFER-LOCAL": unprocessable(
    "Bad preference of zones",
    "A cluster has `locality.preferLocal` beside priorities or limits, or in more than 16 zones; a TCP or UDP route forwards to it; or clusters of one split ask different geo tables.",
  ),
  "LB-ZONE-LABEL": unprocessable(
    "Zone that nobody prefers",
    "A warning. A cluster has `locality.preferLocal`, and the zone of an endpoint is no label of the geo table: its endpoints serve clients of other zones, and those that are near none. It may be a slip of the pen.",
  ),
  "MODEL-BALANCE": unprocessable(
    "Bad balance",
    "What a cluster is balanced by does not fit together: `hash` goes with policy hash, needs the name of a header, cookie or query parameter, is by source for TCP, is the same for all clusters of a split that hash, and is of what the rule does not change (Envoy reads it after the change). Proxies keep a table as large as the weights of its endpoints.",
  ),
  "MODEL-OUTLIER": unprocessable(
    "Bad outlier detection",
    "A time of a cluster's `outlierDetection` is outside of what every proxy can be told. The message gives the range.",
  ),
  "MODEL-AFFINITY": unprocessable(
    "Affinity where it cannot be kept",
    "A TCP route leads to a cluster with affinity by cookie, or a rule that leads to one changes `cookie` of requests, or sets or removes `set-cookie` of answers (adding one is fine), or browsers do not take a cookie of this name.",
  ),
  "MODEL-SLOW-START": unprocessable(
    "Bad slow start",
    "A cluster's `slowStart` has a window that not every proxy can be told, or a balance policy without shares that could grow.",
  ),
  "MODEL-DRAIN-TIMEOUT": unprocessable(
    "Bad drain timeout",
    "`drainTimeout` is shorter than a second, or the cluster has affinity: then clients come back to an endpoint that drains, and nothing that is ended is the last.",
  ),
  "MODEL-CLUSTER-LIMITS": unprocessable(
    "Limits do not fit",
    "Requests wait (`maxPending`) for one of the connections that `maxConnectionsPerEndpoint` allows, and `queueTimeout` is how long they do: each needs the one before.",
  ),
  "MODEL-TLS": unprocessable(
    "TLS settings do not fit",
    "TLS that ends at a listener needs certificates, TLS that is passed through has none, and versions and cipher suites have to leave something to agree on. Of a cluster the name of its endpoints' certificates has to be known, unless `insecure: true` says that nobody looks.",
  ),
  "MODEL-HTTP3": unprocessable(
    "HTTP/3 that cannot be",
    "`http.http3: true` belongs to HTTPS listeners that speak TLS 1.3 (`tls.maxVersion`) and read no PROXY header (`proxyProtocol`). `http.http3Port` stands beside it only.",
  ),
  "MODEL-TLS-INSECURE": unprocessable(
    "Endpoints that are not verified",
    "A warning. A cluster's `tls` has `insecure: true`: whoever answers at an endpoint's address is taken for the endpoint. Write `serverName`, and `authority` if the endpoints' certificates are not issued by one that systems trust.",
  ),
  "MODEL-CERTIFICATE": unprocessable(
    "Certificate that proxies would not take",
    "A `chain` is PEM: the certificate itself first, each issued by the next, RSA of 2048 to 8192 bits or ECDSA (P-256, P-384), not signed with SHA-1; its `privateKey` is the first certificate's. A `bundle` holds authorities only. No private key may stand in either: it is refused, and nothing of it is kept.",
  ),
  "MODEL-CERTIFICATE-TIME": unprocessable(
    "Certificate that is not good today",
    "A warning. A certificate has expired, is not valid yet, or expires within 14 days. What is served stays valid as a model when a certificate ends; `trimtab_certificate_expiry_seconds` tells of it before.",
  ),
  "MODEL-CERTIFICATE-USE": unprocessable(
    "Certificate in the wrong place",
    "A certificate was issued for clients and is shown by a listener, or for servers and is shown by a cluster (extended key usage). As a warning: no certificate of a listener is for a host that it serves, so that clients refuse what they see.",
  ),
  "MODEL-HEALTH-CHECK": unprocessable("Bad health check", "Parts of a health check contradict each other."),
  "LINT-UNUSED": unprocessable(
    "Nobody uses it",
    "A warning of `validate` and `render`. A fleet has no listener, a listener no route, a cluster stands in no split, a health check in no cluster, or a geo table in no rule: remove it, or look for the name that was meant.",
  ),
  "LINT-UNREACHED": unprocessable(
    "Rule that is never reached",
    "A warning of `validate` and `render`. Rules that come first take every request that this one matches. Only what can be proved is told: the same path with conditions that are met or are the two halves of one.",
  ),
  "LINT-REDIRECTED": unprocessable(
    "Rule behind a redirect to HTTPS",
    "A warning of `validate` and `render`. All listeners of the route have `http.redirectToHttps`, and the rule is not below `/.well-known/acme-challenge/`: it serves nothing. Attach the route to an HTTPS listener.",
  ),
  "LINT-CHECK-TIMEOUT": unprocessable(
    "Probes that overtake each other",
    "A warning of `validate` and `render`. A health check's timeout is longer than its interval, so that proxies probe more rarely than it says.",
  ),
  "LINT-HAIRPIN": unprocessable(
    "Requests may come back",
    "A warning of `validate` and `render`. Endpoints on loopback addresses are listeners of another fleet, and requests come back over them if both fleets' proxies run on one machine.",
  ),
  "LINT-NO-WEIGHT": unprocessable(
    "No endpoint gets a request",
    "A warning of `validate` and `render`. All endpoints of a cluster have the weight 0, are drained or are down.",
  ),
  "LINT-AFFINITY-COOKIE": unprocessable(
    "Clusters take turns with one cookie",
    "A warning of `validate` and `render`. Two clusters of one hostname have affinity cookies of the same name and different endpoints: a client that goes to both loses its endpoint each time. Give each cluster a name of its own.",
  ),
  "L7-REGEX-DIALECT": unprocessable(
    "Regex outside the common dialect",
    "RE2 (Envoy) and PCRE2 (nginx, HAProxy) would read the expression differently, or one refuses it.",
  ),
} satisfies ErrorCodes;
