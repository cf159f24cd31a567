/** Raw requests that aim at the gates, bent in what their bytes can be bent in. Each bend has a name, by which differences are told. */
import type { Random } from "../../xds/testingRandom.ts";
import { CLIENT_ADDRESSES } from "../sameBehaviour/wire.ts";
import { DENIED_HOST, GATED_FIELDS, GATES, type Gate, HOST } from "./gates.ts";

/** A request in pieces. */
interface Draft {
  method: string;
  target: string;
  version: string;
  /** Header lines without their ends; a piece may hold several. */
  lines: string[];
  body: string;
}

/** A request. */
export interface RawRequest {
  readonly gate: Gate;
  readonly bytes: string;
  readonly method: string;
  readonly source: string;
  /** Names of the bends, in order; none: as clients send it. */
  readonly bends: readonly string[];
}

const one = <T>(random: Random, list: readonly T[]): T => list[random(list.length)] as T;

/** Values that the gates deny, or nearly. */
const VALUES = [
  "admin",
  "admin",
  "admin",
  "admiral ocean",
  "Admin",
  "user",
  "",
  "a",
  "admin,x",
  "admin, admin",
  "ad\xe9n",
  '"admin"',
];
const TOKENS = [
  "close",
  "keep-alive",
  "upgrade",
  "te",
  "",
  " ",
  "foo",
  "x-role",
  "cookie",
  "host",
  "content-length",
  "X-ROLE",
];
const BLANKS = [" ", "\t", "  ", " \t", "\t ", "\t\t"];
const CONTROLS = ["\x00", "\x01", "\x08", "\x0b", "\x0c", "\x1f", "\x7f", "\r"];

const OTHER_HOSTS = [
  ...["", DENIED_HOST, "Denied.Test:80", "denied.test.", "u@denied.test", "denied.test,gate.test", "gate.test/x"],
  "\tdenied.test",
];
const AUTHORITIES = [HOST, DENIED_HOST, `u@${HOST}`, `${HOST}:`, "", HOST.toUpperCase()];
const CODINGS = [
  ...["gzip, chunked", "chunked, chunked", "Chunked", "\tchunked", "chunked\t", "identity", "xchunked", ""],
  ...["chunked\r\nTransfer-Encoding: identity", "chunked;q=1", '"chunked"'],
];

function lineIndex(draft: Draft, random: Random): number {
  return random(draft.lines.length);
}

/** The line of the field that the gate looks at, mostly; else any. */
function aimedLine(draft: Draft, gate: Gate, random: Random): number {
  const name = gate.looksAt === "cookie" ? "cookie" : gate.name;
  const own = draft.lines.findIndex((line) => line.toLowerCase().startsWith(`${name}:`));
  return own >= 0 && random(4) > 0 ? own : lineIndex(draft, random);
}

function split(line: string): [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1)];
}

function change(draft: Draft, index: number, to: (name: string, value: string) => string): void {
  draft.lines[index] = to(...split(draft.lines[index] as string));
}

function insert(text: string, piece: string, random: Random): string {
  const at = random(text.length + 1);
  return text.slice(0, at) + piece + text.slice(at);
}

function nameOf(gate: Gate, random: Random): string {
  if (random(3) === 0) return one(random, GATED_FIELDS);
  return gate.looksAt === "cookie" ? "cookie" : gate.name || "x-role";
}

type Bend = (draft: Draft, gate: Gate, random: Random) => void;

const chunked = (...parts: string[]): string =>
  `${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("")}0\r\n`;

/** Every way to bend a request. */
export const BENDS: Readonly<Record<string, Bend>> = {
  "blank before the value": (draft, gate, random) =>
    change(
      draft,
      aimedLine(draft, gate, random),
      (name, value) => `${name}:${one(random, BLANKS)}${value.trimStart()}`,
    ),
  "blank behind the value": (draft, gate, random) =>
    change(draft, aimedLine(draft, gate, random), (name, value) => `${name}:${value}${one(random, BLANKS)}`),
  "blank in the value": (draft, gate, random) =>
    change(
      draft,
      aimedLine(draft, gate, random),
      (name, value) => `${name}: ${insert(value.trim(), one(random, BLANKS), random)}`,
    ),
  "blank before the colon": (draft, gate, random) =>
    change(draft, aimedLine(draft, gate, random), (name, value) => `${name}${one(random, BLANKS)}:${value}`),
  "blank before the name": (draft, gate, random) =>
    change(draft, aimedLine(draft, gate, random), (name, value) => `${one(random, BLANKS)}${name}:${value}`),
  "only blanks as a value": (draft, gate, random) =>
    change(draft, aimedLine(draft, gate, random), (name) => `${name}:${one(random, BLANKS)}`),
  "control byte in the value": (draft, gate, random) =>
    change(
      draft,
      aimedLine(draft, gate, random),
      (name, value) => `${name}: ${insert(value.trim(), one(random, CONTROLS), random)}`,
    ),
  "high byte in the value": (draft, gate, random) =>
    change(
      draft,
      aimedLine(draft, gate, random),
      (name, value) => `${name}: ${insert(value.trim(), one(random, ["\x80", "\xff", "\xc3\xa9"]), random)}`,
    ),
  "odd byte in the name": (draft, gate, random) =>
    change(
      draft,
      aimedLine(draft, gate, random),
      (name, value) =>
        `${insert(name, one(random, ["_", ".", "!", "(", "/", '"', "\x01", "\x80", "~"]), random)}:${value}`,
    ),
  "underscore for a hyphen": (draft, gate, random) =>
    change(draft, aimedLine(draft, gate, random), (name, value) => `${name.replace("-", "_")}:${value}`),
  "other case of the name": (draft, gate, random) =>
    change(draft, aimedLine(draft, gate, random), (name, value) => `${name.toUpperCase()}:${value}`),
  "no colon": (draft, gate, random) => change(draft, aimedLine(draft, gate, random), (name) => name),
  "no name": (draft, _gate, random) => change(draft, lineIndex(draft, random), (_name, value) => `:${value}`),
  "no value": (draft, gate, random) => change(draft, aimedLine(draft, gate, random), (name) => `${name}:`),
  folded: (draft, gate, random) =>
    change(
      draft,
      aimedLine(draft, gate, random),
      (name, value) => `${name}: ${insert(value.trim(), `\r\n${one(random, BLANKS)}`, random)}`,
    ),
  "LF alone": (draft, gate, random) =>
    change(draft, aimedLine(draft, gate, random), (name, value) => `${name}:${value}\nX-After: lf`),
  "long name": (draft, gate, random) =>
    change(
      draft,
      aimedLine(draft, gate, random),
      (name, value) => `${name}${"n".repeat(one(random, [100, 250, 300]))}:${value}`,
    ),
  "long value": (draft, gate, random) =>
    change(
      draft,
      aimedLine(draft, gate, random),
      (name, value) => `${name}:${value}${"v".repeat(one(random, [1000, 8000, 30_000]))}`,
    ),
  repeated: (draft, gate, random) => {
    const [name] = split(draft.lines[aimedLine(draft, gate, random)] as string);
    draft.lines.splice(random(draft.lines.length + 1), 0, `${name}: ${one(random, VALUES)}`);
  },
  "named by Connection": (draft, gate, random) => {
    const tokens = [nameOf(gate, random), ...Array.from({ length: random(3) }, () => one(random, TOKENS))];
    if (random(2) === 0) tokens.reverse();
    draft.lines.push(`Connection: ${tokens.join(one(random, [",", ", ", " ,\t"]))}`);
  },
  "odd Connection": (draft, _gate, random) => {
    const tokens = Array.from({ length: 1 + random(12) }, () => one(random, TOKENS));
    draft.lines.push(`Connection: ${tokens.join(", ")}`);
  },
  "hop by hop": (draft, _gate, random) => {
    draft.lines.push(
      one(random, [
        "TE: trailers",
        "TE: gzip",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: close",
        "Upgrade: foo",
        "Expect: 100-continue",
        "Trailer: x-role",
        "Proxy-Authorization: admin",
        "HTTP2-Settings: AAAA",
      ]),
    );
  },
  "Upgrade asked for": (draft, _gate, random) => {
    draft.lines.push(`Upgrade: ${one(random, ["foo", "h2c", "websocket,h2c", ""])}`, "Connection: upgrade");
  },
  "second Host": (draft, _gate, random) => {
    draft.lines.push(`Host: ${one(random, [HOST, DENIED_HOST, "", "other.test"])}`);
  },
  "blank around Host": (draft, _gate, random) => {
    draft.lines[0] = `Host:${one(random, BLANKS)}${HOST}${one(random, ["", ...BLANKS])}`;
  },
  "other Host": (draft, _gate, random) => {
    draft.lines[0] = `Host: ${one(random, OTHER_HOSTS)}`;
  },
  "absolute form": (draft, _gate, random) => {
    draft.target = `${one(random, ["http", "HTTP", "https"])}://${one(random, AUTHORITIES)}${draft.target}`;
  },
  "byte in the query": (draft, _gate, random) => {
    const piece = one(random, [
      "'",
      '"',
      "+",
      "%20",
      "%",
      "%zz",
      "&",
      "&&",
      "=",
      ";",
      "#",
      "%61",
      "\x80",
      "\x01",
      "\t",
      "?",
      "[",
      "{",
      "&role",
      "&role=admin",
      "&ROLE=admin",
      "%00",
      "\\",
    ]);
    draft.target = draft.target.includes("?")
      ? `${draft.target.split("?")[0]}?${insert(draft.target.split("?")[1] ?? "", piece, random)}`
      : `${draft.target}?${piece}`;
  },
  "query of bits": (draft, _gate, random) => {
    const bits = [
      "role",
      "=",
      "admin",
      "&",
      "role=admin",
      "",
      "%61dmin",
      "+",
      "x",
      "role=",
      "&",
      ";",
      "Role=admin",
      "role=x",
    ];
    draft.target = `${draft.target.split("?")[0]}?${Array.from({ length: random(7) }, () => one(random, bits)).join("")}`;
  },
  "cookie of bits": (draft, _gate, random) => {
    const bits = [
      "role",
      "=",
      "admin",
      ";",
      "; ",
      "role=admin",
      "",
      '"admin"',
      '"',
      " ",
      "\t",
      ",",
      "x=y",
      "role=",
      ";;",
      "Role=admin",
      "role=x",
      "%",
      "\xe9",
    ];
    draft.lines = draft.lines.filter((line) => !/^cookie:/i.test(line));
    draft.lines.push(`Cookie: ${Array.from({ length: 1 + random(8) }, () => one(random, bits)).join("")}`);
  },
  "second Cookie": (draft, _gate, random) => {
    draft.lines.push(`Cookie: ${one(random, ["role=admin", "role=user", "x=y", "", "role", "role=admin; role=user"])}`);
  },
  "method byte": (draft, _gate, random) => {
    draft.method = one(random, [
      "post",
      "POST",
      "Post",
      "POST\x01",
      "PO ST",
      "",
      "GET,",
      "POST\t",
      "PRI",
      "TRACE",
      "PURGE",
      "QUERY",
      "M-SEARCH",
      "POSTX",
    ]);
  },
  "path byte": (draft, _gate, random) => {
    draft.target = insert(
      draft.target,
      one(random, [
        "%2f",
        "/",
        "//",
        ".",
        "/./",
        "/../",
        "%",
        "%00",
        "\\",
        "\x80",
        "\t",
        " ",
        ";",
        "%41",
        "'",
        '"',
        "?",
        "#",
        "%3f",
        "\x01",
      ]),
      random,
    );
  },
  "other version": (draft, _gate, random) => {
    draft.version = one(random, [
      "HTTP/1.0",
      "HTTP/1.2",
      "HTTP/2.0",
      "http/1.1",
      "HTTP/1.1 ",
      " HTTP/1.1",
      "HTTP/1.01",
      "HTTP/0.9",
      "HTTP/1.10",
    ]);
  },
  body: (draft, _gate, random) => {
    const text = one(random, ["x", "abc", "GET /open HTTP/1.1\r\nHost: denied.test\r\n\r\n"]);
    draft.lines.push(`Content-Length: ${text.length}`);
    draft.body = text;
  },
  chunks: (draft, _gate, random) => {
    draft.lines.push("Transfer-Encoding: chunked");
    draft.body = `${chunked(one(random, ["x", "abc"]))}\r\n`;
  },
  trailers: (draft, gate, random) => {
    draft.lines.push("Transfer-Encoding: chunked", ...(random(2) === 0 ? [`Trailer: ${nameOf(gate, random)}`] : []));
    draft.body = `${chunked("abc")}${nameOf(gate, random)}: ${one(random, VALUES)}\r\n\r\n`;
  },
  "odd length": (draft, _gate, random) => {
    draft.lines.push(
      one(random, [
        "Content-Length: 3\r\nContent-Length: 3",
        "Content-Length: 3, 3",
        "Content-Length: +3",
        "Content-Length: 03",
        "Content-Length: 0x3",
        "Content-Length: -3",
        "Content-Length: 3 3",
        "Content-Length:",
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length:\t3",
      ]),
    );
    draft.body = draft.lines.some((line) => /chunked/.test(line)) ? `${chunked("abc")}\r\n` : "abc";
  },
  "odd coding": (draft, _gate, random) => {
    draft.lines.push(`Transfer-Encoding: ${one(random, CODINGS)}`);
    draft.body = `${chunked("abc")}\r\n`;
  },
  "odd chunk": (draft, _gate, random) => {
    draft.lines.push("Transfer-Encoding: chunked");
    draft.body = one(random, [
      "3;a=b\r\nabc\r\n0\r\n\r\n",
      "3 \r\nabc\r\n0\r\n\r\n",
      "03\r\nabc\r\n0\r\n\r\n",
      "3\nabc\n0\n\n",
      "0x3\r\nabc\r\n0\r\n\r\n",
      "3\r\nabcd\r\n0\r\n\r\n",
      "+3\r\nabc\r\n0\r\n\r\n",
      '3;a="b\r\nc"\r\nabc\r\n0\r\n\r\n',
      "g\r\nabc\r\n0\r\n\r\n",
      "\r\n3\r\nabc\r\n0\r\n\r\n",
    ]);
  },
  "empty lines before": (draft, _gate, random) => {
    draft.method = `${one(random, ["\r\n", "\n", "\r\n\r\n", "\r"])}${draft.method}`;
  },
};

const names = Object.keys(BENDS);
/** Of a hundred requests so many have no bend: they show that the gates work. */
const PLAIN_PERCENT = 10;

/** The field that a proxy may not see of a bent request is always there as an unbent one would have it: the probe comes last. */
export function drawRequest(random: Random, probe: string): RawRequest {
  const gate = one(random, GATES);
  const draft: Draft = { method: "GET", target: gate.path, version: "HTTP/1.1", lines: [`Host: ${HOST}`], body: "" };
  aim(draft, gate, random);
  if (random(3) === 0) draft.lines.push(`${one(random, GATED_FIELDS)}: ${one(random, VALUES)}`);
  const bends: string[] = [];
  if (random(100) >= PLAIN_PERCENT) {
    for (let count = 1 + (random(4) === 0 ? random(3) : 0); count > 0; count--) {
      const bend = one(random, names);
      bends.push(bend);
      BENDS[bend]?.(draft, gate, random);
    }
  }
  const { method, target, version, lines, body } = draft;
  const bytes = `${method} ${target} ${version}\r\n${lines.join("\r\n")}\r\nX-Probe: ${probe}\r\n\r\n${body}`;
  return { gate, bytes, method: method.trim(), source: one(random, CLIENT_ADDRESSES), bends };
}

/** Gives the request what its gate looks at. */
function aim(draft: Draft, gate: Gate, random: Random): void {
  const value = one(random, VALUES);
  if (gate.looksAt === "header") draft.lines.push(`${gate.name}: ${value}`);
  if (gate.looksAt === "cookie") draft.lines.push(`Cookie: ${gate.name}=${value}`);
  if (gate.looksAt === "query") draft.target += `?${gate.name}=${encodeURI(value)}`;
  if (gate.looksAt === "method" && random(2) === 0) draft.method = "POST";
}
