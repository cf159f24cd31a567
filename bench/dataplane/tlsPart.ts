/** Part `tls`: handshakes and requests inside TLS, beside hand-written files that end it alike. */
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { ProxyName } from "./aims.ts";
import { CASES } from "./cases.ts";
import { compare } from "./comparing.ts";
import { change } from "./experts.ts";
import { askOnce } from "./http.ts";
import type { Options } from "./options.ts";
import { expertFolder } from "./places.ts";
import type { ProxyKind } from "./proxies.ts";
import type { Row } from "./report.ts";
import { serveAll, stopAll } from "./serving.ts";
import { expertSide, generatedSide, type Side } from "./sides.ts";
import { HELLO, HELLOS, PAIR, QUESTIONS, tlsModel } from "./tls.ts";
import type { Place } from "./workplace.ts";

/** What whoever ends TLS by hand changes in the file: FRAGMENT stands for `expert/tls/PROXY`, FOLDER for where the files are. */
type Change = readonly [file: string, text: string | RegExp, by: string];

const CHANGES: Readonly<Record<ProxyName, readonly Change[]>> = {
  nginx: [
    ["nginx.conf", /listen 127\.0\.0\.1:8080/g, "$& ssl http2"],
    ["nginx.conf", "default_server;\n", "$&    ssl_reject_handshake on;\n"],
    ["nginx.conf", /return 301 http:/g, "return 301 https:"],
    ["nginx.conf", "  server_tokens off;\n", "$&FRAGMENT"],
    [
      "nginx.conf",
      '  map "$bad_path$bad_host$bad_method$bad_beta" $bad {',
      '  map "$bad_path$bad_host$bad_method$bad_beta$bad_hop" $bad {',
    ],
    ["guards.conf", "error_page 404 @not-found;\n", "error_page 497 @closed;\nlocation @closed { return 444; }\n$&"],
  ],
  haproxy: [
    ["haproxy.cfg", "bind 127.0.0.1:8080", "$& FRAGMENT"],
    ["haproxy.cfg", "  option disable-h2-upgrade\n", ""],
    ["haproxy.cfg", "global\n", "$&  tune.h2.max-concurrent-streams 100\n"],
    ["haproxy.cfg", "x-forwarded-proto http\n", "x-forwarded-proto https\n"],
    ["haproxy.cfg", 'hdr location "http:', 'hdr location "https:'],
  ],
  envoy: [
    ["envoy.yaml", "      filter_chains:\n        - filters:\n", "FRAGMENT"],
    [
      "envoy.yaml",
      "codec_type: HTTP1\n",
      "codec_type: AUTO\n                http2_protocol_options: {max_concurrent_streams: 100, " +
        "initial_stream_window_size: 65535, initial_connection_window_size: 6553500}\n",
    ],
  ],
};

/** Rows of one proxy. Throws when the configurations differ in what they do. */
export async function tlsPart(proxy: ProxyKind, options: Options, place: Place): Promise<readonly Row[]> {
  const [written] = proxy.experts;
  if (written === undefined) throw new Error(`${proxy.name} has no hand-written file`);
  const own = { ...written, name: "expert, TLS", grow: (folder: string) => endTls(proxy.name, folder) };
  const text = tlsModel(proxy.name);
  return compare({
    part: "tls",
    what: "inside TLS",
    options,
    place,
    expert: { ...(await expertSide(proxy, own, place)), tls: HELLO },
    generated: { ...(await generatedSide(proxy, { name: "generated, TLS", text }, place)), tls: HELLO },
    questions: QUESTIONS,
    variants: [],
    proveMore: proveHellos,
  });
}

function endTls(proxy: ProxyName, folder: string): void {
  const certificates = join(folder, "certificates");
  mkdirSync(certificates);
  for (const [name, { chain, privateKey }] of Object.entries(PAIR)) {
    // HAProxy reads both from one file, and every file of the folder.
    writeFileSync(join(certificates, `${name}.pem`), proxy === "haproxy" ? chain + privateKey : chain);
    if (proxy !== "haproxy") writeFileSync(join(certificates, `${name}.key`), privateKey);
  }
  const fragment = readFileSync(join(expertFolder, "tls", proxy), "utf8").replaceAll("FOLDER", folder);
  const inserted = proxy === "haproxy" ? fragment.trimEnd() : fragment;
  for (const [file, place, by] of CHANGES[proxy])
    change(
      join(folder, file),
      place,
      by.replace("FRAGMENT", () => inserted.replaceAll("$", () => "$$")),
    );
}

/** What clients agree on with each side, or that they do not; and what becomes of a request in the clear. */
async function proveHellos(sides: readonly Side[]): Promise<void> {
  const answer = CASES.find(({ name }) => name === "answer") as (typeof CASES)[number];
  const serving = await serveAll(sides, () => answer);
  const problems: string[] = [];
  const prove = async (name: string, see: (side: Side) => Promise<string>): Promise<void> => {
    const seen = await Promise.all(sides.map(see));
    if (new Set(seen).size > 1) problems.push(`${name}: ${seen.join(" and ")}`);
  };
  try {
    for (const { name, hello } of HELLOS) await prove(name, (side) => agreed(side, hello));
    await prove("in the clear", ({ port }) =>
      askOnce({ port }, Buffer.from("GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n")).then(
        ({ status }) => String(status),
        () => "closed",
      ),
    );
  } finally {
    await stopAll(serving);
  }
  if (problems.length > 0) throw new Error(`the handshakes are not alike:\n${problems.join("\n")}`);
}

async function agreed({ port }: Side, hello: ConnectionOptions): Promise<string> {
  const socket = connect({ ...HELLO, ...hello, port, host: "127.0.0.1" });
  try {
    await once(socket, "secureConnect");
    return JSON.stringify(factsOf(socket));
  } catch {
    return "refused";
  } finally {
    socket.on("error", () => undefined);
    socket.destroy();
  }
}

function factsOf(socket: TLSSocket) {
  return {
    version: socket.getProtocol(),
    suite: socket.getCipher().standardName,
    group: socket.getEphemeralKeyInfo(),
    alpn: socket.alpnProtocol,
    certificate: socket.getPeerCertificate().serialNumber,
  };
}
