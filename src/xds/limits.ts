/** Every bound and waiting time of the xDS room, with its reason. */

/**
 * Largest request of a node whose fleet is known. 100 000 names of 60 bytes with their versions are 9 MB, above the 4 MiB default of
 * gRPC; this leaves a factor of three for longer names.
 */
export const MAX_REQUEST_BYTES = 32 * 1024 * 1024;

/** Largest first request while its node is not known. An Envoy that lists 400 extensions says 60 kB about itself. */
export const FIRST_REQUEST_BYTES = 256 * 1024;

/**
 * So much of a long request is read before it is decided whether the rest may come: a version, a node's id and its cluster, each of
 * the greatest length, and their tags.
 */
export const PEEK_BYTES = 4 * 1024;

/** A request that has begun must be there after this long: 9 MB take 15 s at 5 Mbit/s. Who drips bytes holds memory for nothing. */
export const REQUEST_MS = 30_000;

/** Requests above this size wait behind smaller ones, and one at a time is served: 100 000 names take a tenth of a second. */
export const LIGHT_REQUEST_BYTES = 64 * 1024;

/** Requests up to this size come into memory that is used again: 1 000 names with their versions are 42 KB, 10 000 are 420. */
export const MAX_SHARED_BODY_BYTES = 1024 * 1024;

/** So much of that memory is kept while no request needs it: as much as the young part of V8's heap. */
export const FREE_BODY_BYTES = 8 * 1024 * 1024;

/** Requests remembered because the next ones may be equal: answers to the two responses of a change, and of the change before. */
export const ECHOES = 4;

/** Where a response that may be split is split: clients' default receive limit is 4 MiB, and a long message delays the others. */
export const SPLIT_BYTES = 1024 * 1024;

/** Up to here one write of a copy costs less than two. */
export const COPIED_BYTES = 16 * 1024;

/** Up to here what goes to many streams is put together once for all of them: 2 000 clusters in state of the world are 200 KB. */
export const JOINED_BYTES = 2 * 1024 * 1024;

/** Up to here a response and what follows from it are one write; more would be old when a slow client takes it. */
export const PAIRED_BYTES = 256 * 1024;

/** Removed names in one response; the rest follows in the next ones, so that writing 100 000 of them does not hold the process. */
export const MAX_REMOVED = 20_000;

/** Receive limit of clients that do not raise it; a larger full-state response is reported, because it cannot be split. */
export const CLIENT_RECEIVE_BYTES = 4 * 1024 * 1024;

/** Names in one subscription. Ten times the largest fleet we know of; about 10 MB on our side. */
export const MAX_NAMES = 100_000;

/** Versions given by the owner of a view whose meaning is remembered, for each type; others are not trusted on reconnect. */
export const MAX_LABELS = 1_000;

/**
 * Fields of one message in a request. A name, a version or a node's extension is one field, so three times the names: those to
 * subscribe to, their versions, and all else. Without it 32 MiB of empty unknown fields hold the process for a second.
 */
export const MAX_FIELDS = 300_000;

/** Bytes of a resource name. Longest real ones are xdstp URLs with parameters; HTTP servers bound a URL about the same. */
export const MAX_NAME_BYTES = 4_096;

/** Bytes of a type URL, a node's id, cluster or user agent: they are kept and shown, and no real one is near it. */
export const MAX_LABEL_BYTES = 1_024;

/** Types subscribed to on one stream. Envoy knows about 12. */
export const MAX_TYPES_PER_STREAM = 100;

/**
 * Open streams in all. Ten times the aim of 2 000. A peer may have as many as are left free (budgets.ts), so one address gets half:
 * 2 000 nodes behind one NAT or relay fit five times.
 */
export const MAX_STREAMS = 20_000;

/**
 * Of these, such as have not made their first request yet, shared the same way: who only opens streams gets no further. One address
 * gets 3 000, so 2 000 nodes behind it can all come back at once.
 */
export const MAX_NEW_STREAMS = 6_000;

/** Open connections in all, shared like streams: as many as streams, because an Envoy has one of each. */
export const MAX_CONNECTIONS = 20_000;

/** What an open stream is counted as in `CLIENT_BYTES`: its objects here and in node:http2, and the start of a request. */
export const STREAM_BYTES = 16 * 1024;

/**
 * What all clients together make the server keep: open streams, requests that are coming in or wait, names subscribed to. A peer may
 * have as much as is left free, so one address gets half of it, 224 MiB. The largest load meant to come through one address (NAT or
 * relay) takes 210 MiB: 2 000 streams that each name 1 000 resources in 60 bytes, in state of the world, where the names are kept as
 * sent. In delta it takes 92 MiB.
 */
export const CLIENT_BYTES = 448 * 1024 * 1024;

/** The same for one stream: 100 000 names of 60 bytes, in state of the world, for three types (15 MB each), and a request beside. */
export const MAX_BYTES_PER_STREAM = 64 * 1024 * 1024;

/**
 * Bytes of responses that were made for one stream and that its client has not taken, shared by peers. Two thousand nodes behind one
 * address that come back at once may be more: then some wait until others were read.
 */
export const RESPONSE_BYTES = 128 * 1024 * 1024;

/** How long they wait before they look again. */
export const MEMORY_WAIT_MS = 100;

/** What answers about the state of clients leave of that to discovery: half of what one address may have. */
export const STATUS_RESERVE_BYTES = 32 * 1024 * 1024;

/**
 * A response must be taken within this time. Flow control holds back for seconds while a client works; a client that answers pings and
 * does not read for two minutes holds an old state in memory, and will not miss the stream.
 */
export const WRITE_MS = 120_000;

/** What a name subscribed to is counted as: its place in a set. */
export const NAME_BYTES = 32;

/** And beside its length when there is no such resource: then its text is ours alone, and it has a place in a second set. */
export const FOREIGN_NAME_BYTES = 64;

/**
 * Streams on one connection. An Envoy without ADS opens one for each EDS or RDS source, and another connection when these are taken;
 * so does a relay. Opening that many in one read, and losing them with the connection, each takes some 25 ms inside node:http2.
 */
export const MAX_STREAMS_PER_CONNECTION = 512;

/**
 * Streams above that bound are reset one by one, so many of a connection; after them node:http2 ends it with all its streams in one piece.
 * Who opens more has long sent more than `OVERHEAD_BYTES_PER_SECOND` allows.
 */
export const MAX_REJECTED_STREAMS = 1_000_000;

/**
 * A connection on which so many streams failed and none was ever sent anything is closed. A client of a fleet that does not exist yet
 * tries every 30 s; one that tries a thousand times at once would make as much work as a thousand nodes.
 */
export const MAX_FAILED_STREAMS = 100;

/** Streams of one connection that the client may reset at once, and then each second: a relay that ends resets all of its own. */
export const STREAM_RESETS = { burst: MAX_STREAMS_PER_CONNECTION, rate: 100 } as const;

/**
 * What a stream may send before we read it (HTTP/2's flow control, 64 kB by default): node:http2 keeps that much of a stream that waits
 * for its turn. A request of 9 MB needs 280 round trips, 6 s at 20 ms.
 */
export const WINDOW_BYTES = 32 * 1024;

/** Bytes of a request's headers. gRPC clients send some 300. */
export const MAX_HEADER_BYTES = 16 * 1024;

/**
 * Bytes per second that a connection may send beside requests: frame headers, pings, settings, windows, resets. 1 MiB is 60 000 pings.
 * A client that reads 1 GB/s sends 0.4 MB of window updates for it; 2 000 streams are opened with 0.2 MB.
 */
export const OVERHEAD_BYTES_PER_SECOND = 1024 * 1024;

/** What may be sent at once of them. */
export const OVERHEAD_BURST_BYTES = 2 * 1024 * 1024;

/** How often connections are looked at: for silence, floods and pings that are due. */
export const SWEEP_MS = 250;

/** A connection without a stream for so long is closed. Envoy and gRPC clients open a stream at once, and another after a failed one. */
export const CONNECTION_IDLE_MS = 20_000;

/** A stream that says nothing for so long after opening is ended: it holds a place and cannot be told apart from an attack. */
export const FIRST_REQUEST_MS = 15_000;

/** Unanswered responses remembered for each type. Clients answer in order; only one that never answers gets here. */
export const MAX_OUTSTANDING = 32;

/**
 * How long a push waits for the answer to the push before, so that a busy client gets the newest state and no queue.
 * Never for ever: Envoy does not answer an empty response of a type that it no longer watches.
 */
export const ACK_WAIT_MS = 300;

/**
 * Longest time that a route or listener waits for its new cluster, a removed cluster for the routes that named it, and a removed
 * listener for the one that replaces it. Also how long a node that comes back may take to ask for the rest of its types.
 */
export const HOLD_MS = 1_000;

/**
 * How long clusters of routes that are gone are kept for connections that still use these: as long as our Envoys let such connections
 * last (`--drain-time-s`). Others may let them last longer, but by then only those are left on which nothing was asked for a minute.
 */
export const DRAIN_MS = 60_000;

/** Routes of a stream that this is remembered of. More than one listener a second would have to change. */
export const MAX_DRAINING = 64;

/** Refused responses of one state of a type about which nodes are asked. Streams of one group are at one or two states at a time. */
export const MAX_INQUIRIES = 16;

/** Removals of a type that wait at a time; more go at once. As many clusters as we aim for; looking through them takes 1 ms. */
export const MAX_DEFERRED = 10_000;

/** Responses remembered whose endpoints nobody has asked for yet; with more of them no version that a node names is trusted. */
export const MAX_OWED = 32;

/** How long what a stream owed its node is remembered after its end: Envoy waits as long for endpoints, and then goes on without. */
export const WARMING_MS = 15_000;

/** Nodes of a group of which that is remembered: as many as come back at once where we aim. */
export const MAX_INTERRUPTED = 2_000;

/** Versions of a type remembered for nodes that come back: an hour away at one change a minute. */
export const MAX_HISTORY = 64;

/** Names in all remembered versions of a type: at 10 000 clusters the last ten versions, some 5 MB. */
export const MAX_HISTORY_NAMES = 100_000;

/**
 * Resources of a type that are gone and of which a group remembers the last content, for nodes that still use them. A node that names a
 * state which nobody knows is sent all such clusters of which it asks for the endpoints, so not any number.
 */
export const MAX_DEPARTED = 1_000;

/**
 * Responses that may follow one refused response to find what was bad in it. One bad resource among 200 takes 16 when the node
 * names none, one when it does.
 */
export const MAX_TRIALS = 64;

/** Pause before what such a search did not find out is looked at again: three single resources and as many lines in two logs. */
export const SEARCH_AGAIN_MS = 60_000;

/** What a node refused because it could not take a port is offered again after this, then after twice as long, and so on. */
export const RETRY_FIRST_MS = 5_000;

/** Longest time between two such offers: a listener is served half a minute after its port is free. Each costs a line in two logs. */
export const RETRY_MAX_MS = 20_000;

/** A drain of many streams, or the work for one long request, yields to requests and pings after so long. */
export const SLICE_MS = 5;

/** Characters kept of a client's refusal: enough for its first errors, bounded because the client writes it. */
export const MAX_ERROR_CHARS = 4_096;

/** Names of refused resources kept for display. */
export const MAX_REFUSED_NAMES = 100;

/** An answer that is read before its turn, because many will follow it: some microseconds. */
export const ECHO_BYTES = 1024;

/** Kinds of streams of a group that are told of a change together. Nodes of a fleet are of one kind, or of two while they are upgraded. */
export const MAX_REPEATS = 4;

/** Encoded responses kept for each type to serve further streams. Streams of one group are at one or two states at a time. */
export const MAX_CACHED_PAYLOADS = 8;

/** Responses with more names than this (and fewer than all) are not looked for in the cache: building the key costs too much. */
export const MAX_CACHE_KEY_NAMES = 16;

/** Below this size a framed copy of a resource is kept; above it only its header is, and the bytes are spliced. */
export const FRAME_COPY_BYTES = 2_048;

/**
 * Largest answer about the state of clients, twice what a gRPC client receives by default. It is sent in one piece; who needs more
 * names nodes or leaves contents out.
 */
export const MAX_STATUS_BYTES = 8 * 1024 * 1024;

/** Matchers of nodes in one question. */
export const MAX_MATCHERS = 1_000;

/** Heartbeats within one time to live: two may come late. */
export const HEARTBEATS_PER_TTL = 3;

/** Shortest time between two heartbeats of a type on a stream, whatever the times to live: they cost a response and an ACK. */
export const MIN_HEARTBEAT_MS = 50;

/** A heartbeat that finds a response unanswered tries again after this. */
export const HEARTBEAT_RETRY_MS = 50;

/** Client features of a node that are looked at. Envoy names fewer than ten. */
export const MAX_FEATURES = 64;

/** Ping an idle connection this often, so that a dead peer's streams go away. */
export const KEEPALIVE_MS = 30_000;

/** A peer that has not answered a ping for so long is dead. */
export const KEEPALIVE_TIMEOUT_MS = 20_000;

/** How long `close` waits for streams to end in order, and a stream that was ended for its client to take what is on the way. */
export const CLOSE_GRACE_MS = 1_000;

/** Refusals of one reason told in each span of time. The first ones say what is wrong; the rest are counted. */
export const MAX_REFUSALS_TOLD = 10;

/** That span: ten lines of a reason in ten seconds can be read, and are 25 MB a day at most. */
export const REFUSALS_TOLD_MS = 10_000;
