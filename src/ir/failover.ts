/** What is tried again without being asked for: the same on every proxy. */

/**
 * How often a connection is tried, the first time included, each time with another endpoint as long as there is one. Of ten endpoints one
 * or two may be down and nobody notices; a cluster that is down altogether is given up after three connect timeouts.
 */
export const CONNECT_TRIES = 3;

/**
 * Methods whose requests are sent again when an endpoint closes the connection before it has begun to answer: it may have closed an idle
 * connection as the request came. Idempotent (RFC 9110, 9.2.2), and usually without a body: what has one is not sent again, because it is
 * passed on as it comes.
 */
export const RESENT_METHODS: readonly string[] = ["DELETE", "GET", "HEAD", "OPTIONS", "TRACE"];
