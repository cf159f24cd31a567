/** What an xDS server owes its clients, in our words. Tests name these numbers in their titles. */

/** One obligation: whom it is owed (`S` state of the world, `D` delta, `B` both), and what. */
export type Obligation = readonly [number: number, variant: "S" | "D" | "B", text: string];

/** Sections of obligations, as titles and lists. */
export const OBLIGATIONS: readonly (readonly [title: string, list: readonly Obligation[]])[] = [
  [
    "Stream, node, type",
    [
      [
        1,
        "B",
        "Every type has a service of its own and is served on aggregated streams, in both variants; virtual hosts in delta only.",
      ],
      [2, "B", "gRPC clients use aggregated streams alone, and work with nothing but them."],
      [
        3,
        "B",
        "The node of the first request counts for all. It may be repeated; a stream that turns into another node is ended, and judged anew when it comes back.",
      ],
      [4, "B", "A first request without a node id is refused (INVALID_ARGUMENT)."],
      [
        5,
        "B",
        "Aggregated streams need a type in each request; on a stream of one type it may be left out and must not be another.",
      ],
      [
        6,
        "B",
        "Types on one stream are independent. An unknown type is remembered and harms nothing: silence in state of the world, `removed_resources` in delta.",
      ],
      [
        7,
        "B",
        "A response names its type, and everything in it is of that type, or a wrapper around it where the client takes wrappers off.",
      ],
      [8, "B", "A node may open several streams, of one type too."],
    ],
  ],
  [
    "Versions and nonces",
    [
      [
        9,
        "S",
        "A type's version changes with every change of a resource, belongs to the content and not to the stream, and never stands for two contents.",
      ],
      [10, "D", "Each resource has a version of its own, which is what counts."],
      [11, "B", "Nonces are unique on a stream; one of an earlier stream means nothing."],
      [12, "B", "Nonces are unique over all types of a stream; one of another type is neither ACK nor NACK."],
      [13, "S", "A request with a stale nonce is no reason to answer, but the names in it count."],
      [14, "D", "Changes of a subscription count whatever nonce they come with."],
      [15, "B", "What asks for nothing new is not answered."],
    ],
  ],
  [
    "ACK and NACK",
    [
      [16, "B", "A refusal is a request with `error_detail`, and only that."],
      [17, "B", "A refusal may name the refused version: clients use what was good in it."],
      [18, "B", "The names in a refusal count."],
      [19, "B", "An error that a client repeats in later requests is one refusal."],
      [20, "B", "What was refused is not sent again before it changes."],
      [21, "B", "After a refusal nobody knows what the client has of it, until it accepts something."],
      [
        22,
        "S",
        "An old version without an error comes from a client that does not watch the type any more: nothing is sent, and nobody waits for it.",
      ],
      [23, "D", "A request with a nonce may be an ACK and a change of names at once."],
    ],
  ],
  [
    "Subscriptions in state of the world",
    [
      [24, "S", "The list of names is the whole subscription; an empty one after names is none."],
      [25, "S", "Names that are added are sent, although they may have been sent before."],
      [26, "S", "Listeners and clusters (and scoped routes, for Envoy) come all together; absence deletes."],
      [27, "S", "Of other types what changed is sent; there is no deletion."],
      [28, "S", "Fewer names need no answer."],
      [
        29,
        "S",
        "A reconnecting client is believed when it has a full state by wildcard and names its very version, else everything is sent.",
      ],
      [30, "B", "What was not asked for is not sent."],
      [31, "B", "No name comes twice in one response, removals included."],
    ],
  ],
  [
    "Subscriptions in delta",
    [
      [32, "D", "Both lists of changes may come in any request."],
      [33, "D", "A name that is subscribed again is sent again."],
      [34, "D", "Unsubscribing needs no answer, and unknown names in it are nothing."],
      [35, "D", "A name that is unsubscribed under a wildcard is told again: as it is, or as removed."],
      [36, "D", "Of a name in both lists the removal counts."],
      [
        37,
        "D",
        "A name that is not there is named in `removed_resources` at once, stays subscribed, and is sent when it comes to be.",
      ],
      [38, "D", "A subscription may name an alias."],
      [39, "D", "A deletion is told, the subscription stays, and what comes back is sent."],
    ],
  ],
  [
    "Wildcards",
    [
      [40, "B", "`*` is everything that the node's group has."],
      [
        41,
        "B",
        "An empty first request is the old wildcard; the first name ends it in state of the world, its own name in delta.",
      ],
      [42, "D", "Unsubscribing from `*` ends the old wildcard too."],
      [
        43,
        "B",
        "An empty first request is a wildcard for listeners, clusters and scoped routes only: for others Envoy sends it and wants nothing.",
      ],
      [44, "B", "The first wildcard request is answered even when there is nothing."],
    ],
  ],
  [
    "Reconnecting",
    [
      [45, "D", "What the client says it has is not sent; what is no more is removed."],
      [46, "B", "Versions are the same on every instance."],
      [47, "S", "A version with an empty nonce comes from an earlier stream."],
      [48, "B", "Streams are ended after an answer, and in order."],
    ],
  ],
  [
    "Order",
    [
      [49, "B", "Within a change: clusters, endpoints, secrets, listeners, routes, virtual hosts; removals last."],
      [50, "B", "A route waits for the clusters that it names, because Envoy does not."],
      [51, "B", "Endpoints follow their cluster whenever it changed, changed or not."],
      [52, "B", "Routes need not follow a listener."],
      [53, "D", "Secrets follow what needs them when it changed."],
      [54, "B", "A change goes over the union of old and new; what is old goes when what is new was accepted."],
    ],
  ],
  [
    "Times to live",
    [
      [
        55,
        "B",
        "A time to live is told where the client knows it, renewed by heartbeats without content at the version sent, changed and cleared by sending the resource.",
      ],
      [
        56,
        "B",
        "All spellings of the client features count; state of the world is wrapped where the client says so, and nowhere else.",
      ],
      [57, "D", "Virtual hosts get neither: Envoy does not hear their heartbeats."],
    ],
  ],
  [
    "On demand, errors, names, identity",
    [
      [
        58,
        "D",
        "A host that is not there is answered with an empty wrapper of that name and alias; a new route configuration has all its subscribed hosts sent again.",
      ],
      [59, "D", "Single names may be asked for beside a wildcard."],
      [60, "B", "Errors of single names come once, beside what is good; delta says the same by `removed_resources`."],
      [61, "S", "A name that is not there is told at once, so that no timer must end."],
      [62, "B", "`xdstp:` names are equal whatever the order of their parameters; a star at their end is a directory."],
      [63, "B", "Constraints on parameters are not used; parameters must be equal."],
      [64, "B", "Every response says which server and build sent it."],
      [65, "B", "`canary` is never set."],
    ],
  ],
  [
    "Flow, and other services",
    [
      [66, "B", "For a client that does not read nothing is kept; it goes on at the newest state."],
      [67, "B", "What may be split is split below the 4 MiB that clients accept; requests of 100 000 names are read."],
      [68, "B", "A client that answers slowly gets fewer states."],
      [
        69,
        "B",
        "Client status tells of each resource whether it was sent, accepted or refused. Load reports are not served.",
      ],
      [70, "B", "Methods that fetch once are optional and not served."],
    ],
  ],
];

/** Bugs that other servers had, each with a test that we do not have it. */
export const REGRESSIONS: readonly (readonly [number: number, text: string])[] = [
  [1, "A refused response is sent over and over."],
  [2, "An old version without an error, from a type that is not watched, starts a loop."],
  [3, "A name that is subscribed again is not sent, in state of the world."],
  [4, "The same in delta, and for a name unsubscribed under a wildcard."],
  [5, "A name that does not exist is not answered, or not pushed when it is made."],
  [6, "What was deleted while a client was away stays there."],
  [7, "Endpoints do not follow a changed cluster."],
  [8, "Endpoints come before their cluster, or routes before listeners."],
  [9, "What was unsubscribed while it waited is sent."],
  [10, "An empty first request for endpoints after a reconnect gets all of them."],
  [11, "A name that is added while updates come at the pace of the network is never served."],
  [12, "Many types, many updates and a client that does not read end in a deadlock or without memory."],
  [13, "An error that is repeated counts twice, or hides the name beside it."],
  [14, "A change of names inside a refusal is lost, or brings back what was refused."],
  [15, "A name comes twice in one response."],
];
