/** Part `tls`: handshakes and requests inside TLS, beside hand-written files that end it alike. */
import { once } from "node:events";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { CASES } from "./cases.ts";
import { clientsRows } from "./clientCertificates.ts";
import { compare } from "./comparing.ts";
import { askOnce } from "./http.ts";
import type { Options } from "./options.ts";
import type { ProxyKind } from "./proxies.ts";
import type { Row } from "./report.ts";
import { serveAll, stopAll } from "./serving.ts";
import { expertSide, generatedSide, type Side } from "./sides.ts";
import { HELLO, HELLOS, QUESTIONS, tlsModel } from "./tls.ts";
import { endTls } from "./tlsExperts.ts";
import type { Place } from "./workplace.ts";

/** Rows of one proxy. Throws when the configurations differ in what they do. */
export async function tlsPart(proxy: ProxyKind, options: Options, place: Place): Promise<readonly Row[]> {
  const [written] = proxy.experts;
  if (written === undefined) throw new Error(`${proxy.name} has no hand-written file`);
  const own = { ...written, name: "expert, TLS", grow: (folder: string) => endTls(proxy.name, folder) };
  const text = tlsModel(proxy.name);
  const rows = await compare({
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
  return proxy.name === "envoy" ? [...rows, ...(await clientsRows({ proxy, written, options, place }))] : rows;
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
