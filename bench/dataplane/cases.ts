/** What is asked: the cases that are measured, and the requests that only prove that two configurations do the same. */

export interface Probe {
  readonly name: string;
  readonly method?: string;
  readonly host?: string;
  readonly target: string;
  /** Beside those that a browser sends. */
  readonly fields?: readonly string[];
  /** With its length; `fields` does not say it. */
  readonly body?: string;
  /** In one chunk. */
  readonly chunked?: string;
  /** What must come, whoever wrote the configuration. */
  readonly status: number;
  /** The cluster that must get it, and the path that it must see; a split may choose either. */
  readonly upstream?: "blue" | "green" | "red" | "blue or green";
  readonly path?: string;
}

export const SHOP = "shop.example.com";

/** The lines of a browser: what parsers and header changes work on. */
const BROWSER = [
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  "Accept-Language: en-US,en;q=0.5",
  "Accept-Encoding: gzip, deflate",
  "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark",
];

/** The measured ones; their answers are proven first, too. */
export const CASES: readonly Probe[] = [
  { name: "prefix", target: "/catalog/shoes/red?size=42&sort=price", status: 200, upstream: "blue" },
  { name: "exact", target: "/cart", status: 200, upstream: "green" },
  { name: "regex", target: "/items/1234", status: 200, upstream: "red" },
  {
    name: "method",
    method: "POST",
    target: "/orders/17",
    fields: ["Content-Length: 0"],
    status: 200,
    upstream: "green",
  },
  { name: "header", target: "/orders/17", fields: ["x-beta: yes"], status: 200, upstream: "red" },
  { name: "split", target: "/checkout/a", status: 200, upstream: "blue or green" },
  { name: "rewrite", target: "/api/v1/users/5?x=1", status: 200, upstream: "red", path: "/internal/users/5?x=1" },
  { name: "redirect", target: "/old/x?a=b", status: 301 },
  { name: "answer", target: "/ping", status: 200 },
  { name: "wildcard", host: "t1.eu.example.com", target: "/x/y", status: 200, upstream: "red" },
];

/** Where configurations that look alike differ. */
export const VARIANTS: readonly Probe[] = [
  { name: "the prefix itself", target: "/catalog", status: 200, upstream: "blue" },
  { name: "the prefix and a slash", target: "/catalog/?a//b", status: 200, upstream: "blue" },
  { name: "part of an element", target: "/catalogue", status: 404 },
  { name: "an escaped path", target: "/catalog/a%20b%2Cc;d={e}?f=%zz", status: 200, upstream: "blue" },
  { name: "a name that begins with dots", target: "/catalog/..a/.b/...", status: 200, upstream: "blue" },
  { name: "an exact path and a slash", target: "/cart/", status: 404 },
  { name: "a regex and more", target: "/items/12/", status: 404 },
  { name: "a regex and an escaped line feed", target: "/items/12%0A", status: 404 },
  { name: "PUT", method: "PUT", target: "/orders", fields: ["Content-Length: 0"], status: 200, upstream: "green" },
  { name: "neither method nor field", target: "/orders", status: 200, upstream: "blue" },
  { name: "another case of the value", target: "/orders", fields: ["x-beta: Yes"], status: 200, upstream: "blue" },
  {
    name: "method and field",
    method: "POST",
    target: "/orders",
    fields: ["Content-Length: 0", "x-beta: yes"],
    status: 200,
    upstream: "green",
  },
  { name: "the rewritten prefix itself", target: "/api/v1", status: 200, upstream: "red", path: "/internal" },
  {
    name: "a rewrite with escapes",
    target: "/api/v1/a%2Cb%20c?d",
    status: 200,
    upstream: "red",
    path: "/internal/a%2Cb%20c?d",
  },
  {
    name: "a rewrite's header changes",
    target: "/api/v1/a",
    fields: ["x-tag: a", "x-secret: s", "x-api-version: 9"],
    status: 200,
    upstream: "red",
    path: "/internal/a",
  },
  { name: "the redirected prefix itself", target: "/old", status: 301 },
  { name: "a redirect with escapes", target: "/old/a%2Cb%20c", status: 301 },
  { name: "a host in capitals", host: "SHOP.Example.com", target: "/old/x", status: 301 },
  { name: "a host with a port", host: `${SHOP}:99`, target: "/cart", status: 200, upstream: "green" },
  { name: "a host with a dot at its end", host: `${SHOP}.`, target: "/cart", status: 200, upstream: "green" },
  { name: "an answer to another method", method: "DELETE", target: "/ping", status: 404 },
  { name: "WebDAV", method: "PROPFIND", target: "/catalog", status: 200, upstream: "blue" },
  { name: "forwarded before", target: "/cart", fields: ["x-forwarded-for: 9.9.9.9"], status: 200, upstream: "green" },
  { name: "forwarded by https", target: "/cart", fields: ["x-forwarded-proto: https"], status: 200, upstream: "green" },
  { name: "an underscore", target: "/cart", fields: ["x_beta: yes"], status: 200, upstream: "green" },
  { name: "the wildcard's own domain", host: "example.com", target: "/", status: 404 },
  { name: "another host", host: "other.test", target: "/", status: 404 },
  {
    name: "an offer of h2c",
    target: "/cart",
    fields: ["Connection: upgrade", "Upgrade: h2c"],
    status: 200,
    upstream: "green",
  },
  {
    name: "a field that Connection names",
    target: "/orders",
    fields: ["Connection: x-beta", "x-beta: yes"],
    status: 200,
    upstream: "blue",
  },
  { name: "Upgrade alone", target: "/cart", fields: ["Upgrade: something"], status: 200, upstream: "green" },
];

const refused = (status: number, target: string, more: Partial<Probe> = {}): Probe => ({
  name: `${more.method ?? "GET"} ${target} of ${more.host ?? SHOP}`,
  target,
  status,
  ...more,
});

/** Refused by every proxy before it looks for a rule. */
export const REFUSED: readonly Probe[] = [
  ...[
    "/catalog//a",
    "//catalog",
    "/catalog/./a",
    "/catalog/..",
    "/catalog/%2e%2E/a",
    "/catalog/.%2e",
    "/catalog/.",
  ].map((target) => refused(400, target)),
  ...["/catalog\\a", "/catalog/a#b", "/catalog/%", "/catalog/%2", "/catalog/%zz", "/catalog/%00", "/catalog/%2Fa"].map(
    (target) => refused(400, target),
  ),
  ...[
    "/%63atalog",
    "/catalog/%5F",
    "/catalog/%2d",
    "/catalog/%37",
    "/catalog/%5c",
    "/catalog/\u00e4",
    "/catalog?\u00e4",
  ].map((target) => refused(400, target)),
  ...["/catalog?a#b", "catalog"].map((target) => refused(400, target)),
  ...[
    "",
    "a b.example.com",
    "a..example.com",
    ".example.com",
    "*.example.com",
    "shop.example.com:x",
    "u@t.example.com",
  ].map((host) => refused(400, "/catalog", { host })),
  ...["FOO", "get", "M-SEARCH"].map((method) => refused(400, "/catalog", { method })),
  refused(400, "/x//y", { host: "t1.example.com" }),
  refused(400, "/x//y", { host: "other.test" }),
  refused(405, "/catalog", { method: "TRACE" }),
  refused(403, "/catalog", { fields: ["Connection: Upgrade", "Upgrade: something"] }),
  refused(400, "/catalog", { fields: ["x-beta: y\u0001es"] }),
  refused(404, "/"),
  refused(404, "/apiv1"),
];

/** A control character in a field is left out: nginx passes some (decision 11). */
export function requestOf(probe: Probe): Buffer {
  const { method = "GET", host = SHOP, target, fields = [], body, chunked } = probe;
  const hasCookie = fields.some((line) => line.startsWith("Cookie:"));
  const usual = hasCookie ? BROWSER.filter((line) => !line.startsWith("Cookie:")) : BROWSER;
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...usual, ...fields];
  if (body !== undefined) lines.push(`Content-Length: ${body.length}`);
  if (chunked !== undefined) lines.push("Transfer-Encoding: chunked");
  const sent = chunked === undefined ? body : `${chunked.length.toString(16)}\r\n${chunked}\r\n0\r\n\r\n`;
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${sent ?? ""}`, "latin1");
}
