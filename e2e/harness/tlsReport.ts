/** What a listener takes of TLS, found out by one offer at a time, as testssl.sh does: with Node's OpenSSL, and `s_client` for the rest. */
import { execFile } from "node:child_process";
import { constants } from "node:crypto";
import { once } from "node:events";
import { type ConnectionOptions, connect, getCiphers, type SecureVersion, type TLSSocket } from "node:tls";

/** Where to ask, and the name that is asked for. */
export interface Asked {
  readonly address: string;
  readonly port: number;
  readonly serverName: string;
}

/** A listener's report. Suites of TLS 1.2 are in the order of preference, first those of clients that read ECDSA, then RSA. */
export interface TlsReport {
  readonly versions: readonly string[];
  readonly suites12: readonly string[];
  readonly suites13: readonly string[];
  readonly groups12: readonly string[];
  readonly groups13: readonly string[];
  readonly signatures12: readonly string[];
  readonly signatures13: readonly string[];
  readonly renegotiation: string;
  readonly compression: string;
  readonly resumption: readonly string[];
  readonly earlyData: string;
}

const VERSIONS: readonly SecureVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
const OLD: readonly string[] = ["TLSv1", "TLSv1.1"];
const SUITES_13 = [
  ...["TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"],
  ...["TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"],
];
const GROUPS = ["X25519", "P-256", "P-384", "P-521", "X448", "ffdhe2048", "ffdhe3072"];
/** HAProxy 2.6 does not take a client for one that reads RSA by these alone. */
const PSS = "rsa_pss";
const RSA_12 = "ECDHE-RSA-AES128-GCM-SHA256";
const SIGNATURES = [
  ...["ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384", "ecdsa_secp521r1_sha512"],
  ...["rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512"],
  ...["rsa_pkcs1_sha256", "rsa_pkcs1_sha384", "rsa_pkcs1_sha512"],
  ...["ECDSA+SHA1", "RSA+SHA1"],
];
/** What OpenSSL itself would not do any more is offered, too. */
const ANYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";
/** The other way round, so that the order is not the client's; but ChaCha20, which HAProxy takes where it is named first, is not. */
const SUITES_12 = getCiphers()
  .map((name) => name.toUpperCase())
  .filter((name) => !name.startsWith("TLS_"))
  .sort((a, b) => Number(b.includes("256-GCM")) - Number(a.includes("256-GCM")) || (a < b ? 1 : -1));
const ANSWER_MS = 10_000;
const RESUMING_TRIES = 10;

/** Finds it out. */
export async function tlsReport(asked: Asked): Promise<TlsReport> {
  const takes = async (version: SecureVersion, offer: ConnectionOptions): Promise<boolean> =>
    (await suiteOf(asked, { minVersion: version, maxVersion: version, ciphers: ANYTHING, ...offer })) !== null;
  const taken = async <T extends string>(words: readonly T[], offer: (word: T) => Promise<boolean>): Promise<T[]> => {
    const found: T[] = [];
    for (const word of words) if (await offer(word)) found.push(word);
    return found;
  };
  const versions = await taken(VERSIONS, (version) => takes(version, {}));
  const in12 = versions.includes("TLSv1.2");
  const of12 = <T extends string>(words: readonly T[], offer: (word: T) => ConnectionOptions): Promise<T[]> =>
    taken(in12 ? words : [], (word) => takes("TLSv1.2", offer(word)));
  const of13 = <T extends string>(words: readonly T[], offer: (word: T) => ConnectionOptions): Promise<T[]> =>
    taken(words, (word) => takes("TLSv1.3", { ciphers: SUITES_13.join(":"), ...offer(word) }));
  return {
    versions,
    suites12: in12 ? [...(await suites12(asked, "ECDSA")), ...(await suites12(asked, "RSA"))] : [],
    suites13: await of13(SUITES_13, (ciphers) => ({ ciphers })),
    // A key of ECDSA has a group of its own, which a client must know, too.
    groups12: await of12(GROUPS, (ecdhCurve) => ({ ecdhCurve, ciphers: RSA_12, sigalgs: "rsa_pkcs1_sha256" })),
    groups13: await of13(GROUPS, (ecdhCurve) => ({ ecdhCurve })),
    signatures12: await of12(
      SIGNATURES.filter((name) => !name.startsWith(PSS)),
      (sigalgs) => ({ sigalgs }),
    ),
    signatures13: await of13(SIGNATURES, (sigalgs) => ({ sigalgs: readable(sigalgs) })),
    renegotiation: in12 ? await renegotiation(asked) : "none",
    compression: /^Compression: (.*)$/m.exec(await toldBySClient(asked, []))?.[1] ?? "untold",
    resumption: await resumption(asked, in12),
    earlyData: await earlyData(asked),
  };
}

/** TLS 1.3 has the second one for certificates only: handshakes have the first. */
function readable(name: string): string {
  return name.startsWith(PSS) ? `${name}:rsa_pkcs1_sha256` : name;
}

/** What is chosen of all for clients that read one type of key, then of the rest, until nothing is. */
async function suites12(asked: Asked, key: "ECDSA" | "RSA"): Promise<readonly string[]> {
  const offered = SUITES_12.filter((name) => name.includes("ECDSA") === (key === "ECDSA"));
  const chosen: string[] = [];
  for (let rest = offered; rest.length > 0; rest = offered.filter((name) => !chosen.includes(name))) {
    const suite = await suiteOf(asked, { maxVersion: "TLSv1.2", ciphers: `${rest.join(":")}:@SECLEVEL=0` });
    if (suite === null) break;
    chosen.push(suite);
  }
  return chosen;
}

/** Null: there is no handshake. */
async function suiteOf(asked: Asked, offer: ConnectionOptions): Promise<string | null> {
  try {
    const socket = await open(asked, offer);
    const { name } = socket.getCipher();
    socket.destroy();
    return name;
  } catch {
    return null;
  }
}

async function open({ address, port, serverName }: Asked, offer: ConnectionOptions): Promise<TLSSocket> {
  const place = { host: address, port, servername: serverName, rejectUnauthorized: false, timeout: ANSWER_MS };
  const socket = connect({
    ...place,
    ...(OLD.includes(offer.maxVersion ?? "") ? { minVersion: "TLSv1" } : {}),
    ...offer,
  });
  socket.once("timeout", () => socket.destroy(new Error("no answer")));
  await once(socket, "secureConnect");
  socket.on("error", () => undefined);
  return socket;
}

/** `input`: what is typed once there is a handshake. */
function toldBySClient({ address, port, serverName }: Asked, words: readonly string[], input = ""): Promise<string> {
  const to = ["-connect", `${address}:${port}`, "-servername", serverName];
  return new Promise((resolve) => {
    const child = execFile("openssl", ["s_client", ...to, ...words], { timeout: ANSWER_MS }, (error, stdout, stderr) =>
      resolve(`${stdout}\n${stderr}${error === null ? "" : "\nended by an error"}`),
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

/** `R` on a line of its own asks for it. */
async function renegotiation(asked: Asked): Promise<string> {
  const told = await toldBySClient(asked, ["-tls1_2"], "R\n");
  const isSecure = told.includes("Secure Renegotiation IS supported");
  const isDone = !/no renegotiation|ended by an error|unexpected eof|Connection reset/i.test(told);
  return `${isSecure ? "safe (RFC 5746)" : "unsafe"}, ${isDone ? "done when a client asks" : "refused to clients"}`;
}

/** A session says how much; it may come with the first answer. */
async function earlyData(asked: Asked): Promise<string> {
  const request = `GET / HTTP/1.1\r\nHost: ${asked.serverName}\r\nConnection: close\r\n\r\n`;
  const told = await toldBySClient(asked, ["-tls1_3", "-ign_eof"], request);
  return /^ *Max Early Data: (.*)$/m.exec(told)?.[1] ?? "untold";
}

const TLS_1_2: ConnectionOptions = { maxVersion: "TLSv1.2" };

/** By which of its ways a session is taken again. */
async function resumption(asked: Asked, in12: boolean): Promise<readonly string[]> {
  const noTicket = { ...TLS_1_2, secureOptions: constants.SSL_OP_NO_TICKET };
  const ways = [
    ...(in12 ? [{ name: "tickets of TLS 1.2", options: TLS_1_2 }] : []),
    ...(in12 ? [{ name: "session identifiers", options: noTicket }] : []),
    { name: "tickets of TLS 1.3", options: {} },
  ];
  const found: string[] = [];
  for (const { name, options } of ways) if (await isEverResumed(asked, options)) found.push(name);
  return found;
}

/** What a proxy keeps itself it may find again now and then only (HAProxy 2.6: 121 of 300). */
async function isEverResumed(asked: Asked, options: ConnectionOptions): Promise<boolean> {
  for (let tries = 0; tries < RESUMING_TRIES; tries++) if (await isResumed(asked, options)) return true;
  return false;
}

async function isResumed(asked: Asked, options: ConnectionOptions): Promise<boolean> {
  const first = await open(asked, options);
  const told = first.getProtocol() === "TLSv1.3" ? once(first, "session") : Promise.resolve([first.getSession()]);
  // Some proxies tell of a session not before they have an answer to send.
  first.write(`GET / HTTP/1.1\r\nHost: ${asked.serverName}\r\n\r\n`);
  first.resume();
  const [session] = await told;
  first.destroy();
  const second = await open(asked, { ...options, session });
  const isReused = second.isSessionReused();
  second.destroy();
  return isReused;
}
