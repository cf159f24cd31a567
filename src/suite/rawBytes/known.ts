/** The rows of docs/decisions/0011 that raw requests meet: by what of a request, and which of the proxies then go their own way. */
import { BAD_COOKIE, BAD_FIELD_CHARACTERS, type ProxyKind } from "../../ir/index.ts";
import { GATED_FIELDS, HOST } from "./gates.ts";
import { type Head, headOf, valuesOf } from "./head.ts";

/** One row. */
interface Known {
  readonly name: string;
  readonly applies: (head: Head) => boolean;
  /** Proxies that are not compared. */
  readonly apart: readonly ProxyKind[];
  /** Fields of forwarded requests that are not compared. */
  readonly fields?: readonly string[];
}

const ALL: readonly ProxyKind[] = ["envoy", "nginx", "haproxy"];
const nameOf = (line: string): string => line.split(":", 1)[0] as string;
const count = ({ lines }: Head, name: string): number => valuesOf(lines, name).length;
const badCharacter = new RegExp(`[${BAD_FIELD_CHARACTERS}]`);
const badCookie = new RegExp(BAD_COOKIE);
const read: readonly string[] = [...GATED_FIELDS, "x-tenant"];

/** In the order of the decision's table. */
const KNOWN: readonly Known[] = [
  {
    name: "several lines of a field that rules look at",
    applies: (head) => read.some((name) => name !== "cookie" && count(head, name) > 1),
    apart: ["envoy", "nginx"],
  },
  { name: "several Cookie lines", applies: (head) => count(head, "cookie") > 1, apart: ["envoy"] },
  {
    name: "several Cookie lines of which one is empty, begins with a semicolon, or has a tab at its end",
    applies: (head) =>
      count(head, "cookie") > 1 && head.lines.some((line) => /^cookie:(?:(?:.*\t)?[ \t]*$|[ \t]*;)/i.test(line)),
    apart: ["envoy", "nginx"],
  },
  {
    name: "a Referer that is no URL",
    applies: ({ lines }) => valuesOf(lines, "referer").length > 0,
    apart: [],
    fields: ["referer"],
  },
  { name: "several Connection lines", applies: (head) => count(head, "connection") > 1, apart: ["nginx"] },
  {
    name: "Host or X-Forwarded-* in Connection",
    applies: ({ lines }) => /(?:^|,)[ \t]*(?:host|x-forwarded-)/i.test(valuesOf(lines, "connection").join()),
    apart: ["envoy", "nginx"],
  },
  {
    name: "more than nine names in Connection",
    applies: ({ lines }) => valuesOf(lines, "connection").join().split(",").length > 9,
    apart: ["nginx", "haproxy"],
  },
  {
    name: "a control character in a field that no rule of the host looks at",
    applies: ({ lines }) => {
      const isGated = valuesOf(lines, "host")[0]?.toLowerCase() === HOST;
      return lines.some((line) => badCharacter.test(line) && !(isGated && read.includes(nameOf(line).toLowerCase())));
    },
    apart: ["nginx"],
  },
  {
    name: "a blank before a semicolon of Cookie, to a host whose rules look at none",
    applies: ({ lines }) =>
      valuesOf(lines, "host")[0]?.toLowerCase() !== HOST &&
      valuesOf(lines, "cookie").some((value) => badCookie.test(value)),
    apart: ["haproxy"],
  },
  { name: "a bare CR in a field", applies: ({ lines }) => lines.some((line) => /\r./s.test(line)), apart: ["envoy"] },
  {
    name: "a CR before the end of a line",
    applies: ({ lines }) => lines.some((line) => line.endsWith("\r")),
    apart: ["haproxy"],
  },
  {
    name: "a folded field",
    applies: ({ lines }) => lines.slice(1).some((line) => /^[ \t]/.test(line)),
    apart: ["nginx"],
    fields: read,
  },
  {
    name: "a line without a colon",
    applies: ({ lines }) => lines.some((line) => !line.includes(":")),
    apart: ["nginx"],
  },
  {
    name: "a field name with other characters",
    applies: ({ lines }) => lines.some((line) => /[^A-Za-z0-9_-]/.test(nameOf(line)) || line.startsWith(":")),
    apart: ["nginx", "envoy"],
  },
  {
    name: "a long field name",
    applies: ({ lines }) => lines.some((line) => nameOf(line).length > 249),
    apart: ["haproxy"],
  },
  {
    name: "a tab around Host",
    applies: ({ lines }) => lines.some((line) => /^host:[^\r]*\t/i.test(line)),
    apart: ["nginx"],
  },
  { name: "two Hosts, equal or one empty", applies: (head) => count(head, "host") > 1, apart: ["envoy", "haproxy"] },
  {
    name: "two of a field that is single to nginx",
    applies: (head) => ["authorization", "if-none-match", "expect"].some((name) => count(head, name) > 1),
    apart: ["nginx"],
  },
  { name: "an absolute-form target that is not Host's", applies: isOddAbsolute, apart: ALL },
  {
    name: "another HTTP version, or blanks on the request line",
    applies: ({ requestLine }) => !/^[^ \t\r\n]+ [^ \t\r\n]+ HTTP\/1\.[01]$/.test(requestLine),
    apart: ALL,
  },
  { name: "an upgrade to something else than WebSocket", applies: isOddUpgrade, apart: ALL },
  { name: "a length or coding that is not plain", applies: isOddFraming, apart: ALL },
  { name: "a body where none is usual, in HTTP/1.0", applies: isOldBody, apart: ["haproxy", "nginx"] },
  {
    name: "trailers",
    applies: ({ body }) => /\r\n0\r\n[^\r]/.test(body) || /^0\r\n[^\r]/.test(body),
    apart: ["haproxy"],
  },
  { name: "TRACE that is refused besides", applies: ({ requestLine }) => requestLine.startsWith("TRACE"), apart: ALL },
];

/** Rows that a request meets. */
export function knownOf(bytes: string): readonly Known[] {
  const head = headOf(bytes);
  return KNOWN.filter(({ applies }) => applies(head));
}

function isOddAbsolute({ requestLine, lines }: Head): boolean {
  const authority = /^[^ ]* *[a-z]+:\/\/([^/? ]*)/i.exec(requestLine)?.[1];
  return authority !== undefined && authority.toLowerCase() !== valuesOf(lines, "host")[0]?.toLowerCase();
}

function isOddUpgrade({ lines }: Head): boolean {
  const asked = valuesOf(lines, "upgrade");
  return asked.length > 0 && (asked.length > 1 || !/^(?:websocket|h2c)$/i.test(asked[0] as string));
}

/** Chunks as `requests.ts` writes them: one, of a length that is one digit. */
function isPlainChunk(body: string): boolean {
  const { size = "", data = "" } =
    /^(?<size>[1-9a-f])\r\n(?<data>[^\r\n]*)\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n$/.exec(body)?.groups ?? {};
  return size !== "" && Number.parseInt(size, 16) === data.length;
}

function isOddFraming({ lines, body }: Head): boolean {
  const lengths = lines.filter((line) => /^content-length/i.test(line));
  const codings = lines.filter((line) => /^transfer-encoding/i.test(line));
  if (lengths.length + codings.length === 0) return body !== "";
  if (lengths.length + codings.length > 1) return true;
  const [line = ""] = [...lengths, ...codings];
  if (lengths.length === 1) return !/^content-length: \d+$/i.test(line) || Number(line.slice(15)) !== body.length;
  return !/^transfer-encoding: chunked$/i.test(line) || !isPlainChunk(body);
}

function isOldBody({ requestLine, lines }: Head): boolean {
  return / HTTP\/1\.0$/.test(requestLine) && lines.some((line) => /^(?:content-length|transfer-encoding)/i.test(line));
}
