/**
 * A call of the standard gRPC health service as bytes: HAProxy's own HTTP/2 checks cannot send the body that gRPC needs. One
 * connection has one call, so nothing of it depends on what the server says.
 */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const FRAME = { data: 0, headers: 1, settings: 4 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;
/** Below this a length is one byte, in HPACK and in protobuf; the schema bounds names to less. */
const ONE_BYTE = 127;

/** Entries of HPACK's static table. */
const SCHEMES = { http: 0x86, https: 0x87 } as const;
/** How an endpoint is reached. */
export type Scheme = keyof typeof SCHEMES;

interface Asked {
  readonly scheme: Scheme;
  readonly host: string;
}

/** What is sent, in hex. */
export function grpcRequest(service: string, { scheme, host }: Asked): string {
  const body = service === "" ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a]), counted(service)]);
  const message = Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]);
  const fields = Buffer.concat([
    // `:method: POST` of HPACK's static table, and the scheme; then names of it with values of ours
    Buffer.from([0x83, SCHEMES[scheme], 0x04]),
    counted("/grpc.health.v1.Health/Check"),
    Buffer.from([0x01]),
    counted(host),
    // content-type, entry 31
    Buffer.from([0x0f, 0x10]),
    counted("application/grpc"),
    Buffer.from([0x00]),
    counted("te"),
    counted("trailers"),
  ]);
  const frames = [
    frame(FRAME.settings, { flags: 0, stream: 0, payload: Buffer.alloc(0) }),
    frame(FRAME.headers, { flags: END_HEADERS, stream: 1, payload: fields }),
    frame(FRAME.data, { flags: END_STREAM, stream: 1, payload: message }),
  ];
  return Buffer.concat([PREFACE, ...frames]).toString("hex");
}

/** What an answer that says SERVING has in it, in hex: an uncompressed message of two bytes, field 1 with value 1. */
export const GRPC_SERVING = "00000000020801";

function counted(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length >= ONE_BYTE) throw new Error(`too long for a gRPC probe: ${text.slice(0, 200)}`);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function frame(
  type: number,
  { flags, stream, payload }: { readonly flags: number; readonly stream: number; readonly payload: Buffer },
): Buffer {
  return Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]), payload]);
}
