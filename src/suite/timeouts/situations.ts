/** The rows of docs/timeouts.md, in order. */
import type { Client } from "./client.ts";
import {
  answers,
  answersMuch,
  answersSlowly,
  CHUNKED,
  get,
  inTunnel,
  keepsOn,
  LARGE_BYTES,
  length,
  OK,
  pieces,
  post,
  readsLate,
  saysNothing,
  sends,
  sendsSlowly,
  silent,
  trickle,
  tunnels,
  WHOLE,
} from "./parts.ts";
import { PAUSE_MS, type Situation, STEPS } from "./situation.ts";

/** Long enough not to be waited for, and more than a buffer. */
const LONG_BODY = "x".repeat(200_000);
const half = (path: string): string => `${post(path, length(10))}12345`;
const halfChunked = (path: string): string => `${post(path, CHUNKED)}5\r\n12345\r\n`;
const halfLong = (path: string): string => post(path, length(2 * LONG_BODY.length)) + LONG_BODY;

const noAnswer = { nginx: ["closed", "closes"] } as const;

const heads: readonly Omit<Situation, "who">[] = [
  {
    does: "connects and sends nothing",
    short: ["headersTimeout"],
    client: async (client: Client) => client.mark(),
    promised: "closed",
  },
  {
    does: "stops in the first line",
    short: ["headersTimeout"],
    client: sends(() => "GET /x"),
    promised: "408",
    otherwise: noAnswer,
  },
  {
    does: "stops in the head",
    short: ["headersTimeout"],
    client: sends((path) => get(path).slice(0, -4)),
    promised: "408",
    otherwise: noAnswer,
  },
  {
    does: "sends the head byte by byte",
    short: ["headersTimeout"],
    client: sendsSlowly((path) => [get(path).slice(0, -8), ..."test\r\n\r\n"]),
    promised: "408",
    otherwise: noAnswer,
  },
  {
    does: "stops in the second head of a connection",
    short: ["headersTimeout"],
    client: keepsOn(async (client) => {
      client.next();
      client.write("GET /x HTTP/1.1\r\nHo");
      client.mark();
    }),
    promised: "408",
    otherwise: noAnswer,
  },
];

const betweenRequests = keepsOn(async (client, path) => {
  client.next();
  await client.pause(PAUSE_MS);
  client.write(get(path));
});

const idle: readonly Omit<Situation, "who">[] = [
  {
    does: "pauses between two requests",
    short: ["headersTimeout", "idle", "request"],
    client: betweenRequests,
    promised: "200",
  },
  {
    does: "pauses between two requests",
    short: ["bodyTimeout", "sendTimeout"],
    client: betweenRequests,
    promised: "200",
    otherwise: { haproxy: ["closed", "clientSilence"] },
  },
  {
    does: "is idle after an answer",
    short: ["keepAliveTimeout"],
    client: keepsOn(async (client) => client.mark()),
    watchesEnd: true,
    promised: "200 closed",
  },
];

const bodies: readonly Omit<Situation, "who">[] = [
  {
    does: "never sends the body",
    short: ["bodyTimeout", "sendTimeout", "idle"],
    client: sends((path) => post(path, length(10))),
    promised: "408",
    otherwise: noAnswer,
  },
  {
    does: "asks leave for a body (`Expect`) and never sends it",
    short: ["bodyTimeout", "sendTimeout", "idle"],
    client: sends((path) => post(path, `${length(10)}Expect: 100-continue\r\n`)),
    promised: "408",
    otherwise: noAnswer,
  },
  {
    does: "stops in the body",
    short: ["bodyTimeout", "sendTimeout", "idle", "request"],
    client: sends(half),
    promised: "408",
    otherwise: noAnswer,
  },
  {
    does: "stops in the body of HTTP/1.0",
    short: ["bodyTimeout", "sendTimeout", "idle"],
    client: sends((path) => `${post(path, length(10), "1.0")}12345`),
    promised: "408",
    otherwise: noAnswer,
  },
  {
    does: "stops in a chunked body",
    short: ["bodyTimeout", "sendTimeout", "idle"],
    client: sends(halfChunked),
    promised: "408",
    otherwise: { ...noAnswer, haproxy: ["waits", "streams"] },
  },
  {
    does: "stops in the body",
    short: ["bodyTimeout", "sendTimeout"],
    client: sends(half),
    promised: "408",
    otherwise: { ...noAnswer, envoy: ["waits", "silence"] },
  },
  {
    does: "stops in the body",
    short: ["bodyTimeout"],
    client: sends(half),
    promised: "408",
    otherwise: { ...noAnswer, envoy: ["waits", "silence"], haproxy: ["waits", "clientSilence"] },
  },
  {
    does: "sends the body byte by byte",
    short: ["bodyTimeout", "sendTimeout", "idle", "request"],
    client: sendsSlowly((path) => [post(path, length(STEPS)), ...pieces("x")]),
    promised: "200",
  },
  {
    does: "pauses before the body",
    short: ["idle"],
    client: sends(
      (path) => post(path, length(5)),
      () => "12345",
    ),
    promised: "200",
  },
  { does: "pauses in the body", short: ["idle", "request"], client: sends(half, () => "67890"), promised: "200" },
  {
    does: "pauses in a chunked body",
    short: ["idle", "request"],
    client: sends(halfChunked, () => "0\r\n\r\n"),
    promised: "200",
  },
  {
    does: "pauses in a long body",
    short: ["idle", "request"],
    client: sends(halfLong, () => LONG_BODY),
    promised: "200",
  },
];

const reading: readonly Omit<Situation, "who">[] = [
  { does: "pauses reading", short: ["idle"], client: readsLate(), promised: "200" },
  {
    does: "pauses reading an answer that ends its connection",
    short: ["idle"],
    client: readsLate("Connection: close\r\n"),
    promised: "200",
  },
  { does: "stops reading", short: ["sendTimeout", "bodyTimeout", "idle"], client: readsLate(), promised: "200 cut" },
  {
    does: "stops reading",
    short: ["sendTimeout", "bodyTimeout"],
    client: readsLate(),
    promised: "200 cut",
    otherwise: { envoy: ["200", "silence"] },
  },
  {
    does: "stops reading",
    short: ["sendTimeout"],
    client: readsLate(),
    promised: "200 cut",
    otherwise: { envoy: ["200", "silence"], haproxy: ["200", "clientSilence"] },
  },
  {
    does: "pauses reading",
    short: ["request"],
    client: readsLate(),
    promised: "200 cut",
    otherwise: { nginx: ["200", "total"], haproxy: ["200", "total"] },
  },
];

const passesOn = { haproxy: ["waits", "streams"] } as const;
const cutLate = { envoy: ["200 waits", "late"] } as const;

const endpoints: readonly Omit<Situation, "who">[] = [
  { does: "takes no connection", short: ["connect"], client: sends(get), promised: "503" },
  { does: "is silent", short: ["idle"], client: sends(get), backend: saysNothing, promised: "504" },
  { does: "is silent", short: ["request"], client: sends(get), backend: saysNothing, promised: "504" },
  {
    does: "is silent after a body",
    short: ["idle"],
    client: sends((path) => `${half(path)}67890`),
    backend: saysNothing,
    promised: "504",
  },
  {
    does: "is silent after a chunked body",
    short: ["idle"],
    client: sends((path) => `${halfChunked(path)}0\r\n\r\n`),
    backend: saysNothing,
    promised: "504",
    otherwise: passesOn,
  },
  {
    does: "is silent after a long body",
    short: ["idle"],
    client: sends((path) => halfLong(path) + LONG_BODY),
    backend: saysNothing,
    promised: "504",
    otherwise: passesOn,
  },
  {
    does: "takes nothing of a long body",
    short: ["idle"],
    client: async (client, path) => {
      client.write(post(path, length(LARGE_BYTES)));
      client.mark();
      void client.flood(LARGE_BYTES);
    },
    backend: async ({ stopReading }) => stopReading(),
    isHeavy: true,
    promised: "504",
    otherwise: { envoy: ["waits", "silence"], ...passesOn },
  },
  { does: "stops in the head", short: ["idle"], client: sends(get), backend: answers(OK), promised: "504" },
  {
    does: "sends the head line by line",
    short: ["idle"],
    client: sends(get),
    backend: answersSlowly(OK, ...pieces("X-A: a\r\n"), "\r\n"),
    promised: "504",
  },
  {
    does: "stops behind the head",
    short: ["idle"],
    client: sends(get),
    backend: answers(`${OK}${length(10)}\r\n`),
    promised: "200 cut",
    otherwise: cutLate,
  },
  {
    does: "stops in the body",
    short: ["idle"],
    client: sends(get),
    backend: answers(`${OK}${length(10)}\r\n12345`),
    promised: "200 cut",
    otherwise: cutLate,
  },
  {
    does: "stops in the body",
    short: ["idle", "bodyTimeout", "sendTimeout"],
    client: sends(get),
    backend: answers(`${OK}${length(10)}\r\n12345`),
    promised: "200 cut",
  },
  {
    does: "stops in a chunked body",
    short: ["idle", "bodyTimeout", "sendTimeout"],
    client: sends(get),
    backend: answers(`${OK}${CHUNKED}\r\n5\r\n12345\r\n`),
    promised: "200 cut",
  },
  {
    does: "stops in a body without a length",
    short: ["idle", "bodyTimeout", "sendTimeout"],
    client: sends(get),
    backend: answers("HTTP/1.0 200 OK\r\n\r\nok"),
    promised: "200 cut",
    otherwise: { haproxy: ["200", "whole"] },
  },
  {
    does: "sends the body byte by byte",
    short: ["idle", "bodyTimeout", "sendTimeout"],
    client: sends(get),
    backend: answersSlowly(`${OK}${length(STEPS)}\r\n`, ...pieces("x")),
    promised: "200",
  },
  {
    does: "sends the body byte by byte",
    short: ["request"],
    client: sends(get),
    backend: answersSlowly(`${OK}${length(STEPS)}\r\n`, ...pieces("x")),
    promised: "200 cut",
    otherwise: { nginx: ["200", "total"], haproxy: ["200", "total"] },
  },
  {
    does: "answers a client that stopped in its body",
    short: ["idle"],
    client: sends(half),
    backend: async ({ write }) => write(WHOLE),
    promised: "200",
    otherwise: { haproxy: ["waits", "waits"] },
  },
  {
    does: "answers a client that stopped in its chunked body",
    short: ["idle"],
    client: sends(halfChunked),
    backend: async ({ write }) => write(WHOLE),
    promised: "200",
  },
  {
    does: "answers in time",
    short: ["headersTimeout", "bodyTimeout", "sendTimeout", "keepAliveTimeout", "request", "idle"],
    client: sends(get),
    promised: "200",
  },
];

const webSockets: readonly Omit<Situation, "who">[] = [
  {
    does: "nobody speaks",
    short: ["idle"],
    client: inTunnel(silent),
    backend: tunnels(silent),
    watchesEnd: true,
    promised: "101 closed",
  },
  {
    does: "nobody speaks",
    short: ["request", "headersTimeout", "bodyTimeout", "sendTimeout", "keepAliveTimeout"],
    client: inTunnel(silent),
    backend: tunnels(silent),
    promised: "101",
  },
  {
    does: "only the client speaks",
    short: ["idle", "bodyTimeout", "sendTimeout"],
    client: inTunnel(trickle(pieces("x"))),
    backend: tunnels(silent),
    promised: "101",
  },
  {
    does: "only the endpoint speaks",
    short: ["idle", "bodyTimeout", "sendTimeout"],
    client: inTunnel(silent),
    backend: tunnels(trickle(pieces("x"))),
    promised: "101",
  },
];

/** All of them. */
export const situations: readonly Situation[] = [
  ...[...heads, ...idle, ...bodies].map((one) => ({ who: "client", ...one }) as const),
  ...reading.map((one) => ({ who: "client", backend: answersMuch, isHeavy: true, ...one }) as const),
  ...endpoints.map((one) => ({ who: "endpoint", ...one }) as const),
  ...webSockets.map((one) => ({ who: "WebSocket", ...one }) as const),
];
