/** What part `tls` asks: the written model behind TLS, what clients say to begin it, and what is measured. */
import type { ConnectionOptions } from "node:tls";
import { CERTIFICATES } from "../../src/suite/arbitrary/certificates.ts";
import type { ProxyName } from "./aims.ts";
import { CASES, type Probe, SHOP } from "./cases.ts";
import { handshakes, keptConnection, keptHttp2, resumptions } from "./clients.ts";
import { modelWith } from "./models.ts";
import type { Question } from "./question.ts";
import type { ModelText } from "./sides.ts";
import { LARGE } from "./upstreams.ts";

/** For `*.example.com`, by the type of their keys. */
export const PAIR = { ecdsa: CERTIFICATES.exampleEcdsa, rsa: CERTIFICATES.exampleRsa } as const;

/** The written model, whose listener ends TLS as it does where nothing more is said; for this proxy alone. */
export function tlsModel(proxy: ProxyName): ModelText {
  return modelWith((model) => {
    model.fleets = (model.fleets as { readonly proxy: string }[]).filter((fleet) => fleet.proxy === proxy);
    model.certificates = Object.entries(PAIR).map(([name, pair]) => ({ name, ...pair }));
    model.listeners = (model.listeners as object[]).map((listener) => ({
      ...listener,
      fleets: [proxy],
      protocol: "HTTPS",
      tls: { certificates: Object.keys(PAIR) },
    }));
  });
}

/** Clients of the proof and of requests: who signed the certificates is not their question. */
export const HELLO: ConnectionOptions = {
  servername: SHOP,
  rejectUnauthorized: false,
  ALPNProtocols: ["http/1.1"],
};

const OLD: ConnectionOptions = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" };
const TLS_1_2: ConnectionOptions = { maxVersion: "TLSv1.2" };
/** HAProxy 2.6 takes a client for one that reads RSA by the older of the two. */
const RSA: ConnectionOptions = { sigalgs: "rsa_pss_rsae_sha256:rsa_pkcs1_sha256" };

/** What has to be agreed on alike, or refused. */
export const HELLOS: readonly { readonly name: string; readonly hello: ConnectionOptions }[] = [
  { name: "the usual one", hello: {} },
  { name: "HTTP/2", hello: { ALPNProtocols: ["h2", "http/1.1"] } },
  { name: "no ALPN", hello: { ALPNProtocols: [] } },
  { name: "another host of the certificate", hello: { servername: "t1.example.com" } },
  { name: "RSA alone", hello: RSA },
  { name: "TLS 1.2", hello: TLS_1_2 },
  { name: "TLS 1.2, RSA", hello: { ...TLS_1_2, ciphers: "ECDHE-RSA-AES128-GCM-SHA256" } },
  { name: "TLS 1.2, suites the other way round", hello: { ...TLS_1_2, ciphers: reversed() } },
  { name: "TLS 1.2, a suite of before", hello: { ...TLS_1_2, ciphers: "AES128-SHA" } },
  { name: "P-384 alone", hello: { ecdhCurve: "P-384" } },
  { name: "P-521 alone", hello: { ecdhCurve: "P-521" } },
  { name: "TLS 1.1", hello: OLD },
  { name: "a name of nobody", hello: { servername: "nobody.test" } },
  { name: "no name", hello: { servername: "" } },
];

function reversed(): string {
  const suites = ["CHACHA20-POLY1305", "AES256-GCM-SHA384", "AES128-GCM-SHA256"];
  return suites.map((suite) => `ECDHE-ECDSA-${suite}`).join(":");
}

/** A handshake costs as much as fifty requests: fewer are enough. */
const HANDSHAKES = { counted: 20, loaded: 300 } as const;
/** So does the large answer. */
const LARGE_ANSWERS = { counted: 5, loaded: 100 } as const;

const prefix = CASES[0] as Probe;
const large: Probe = { name: "large", target: LARGE, status: 200, upstream: "blue" };

/** What is measured. */
export const QUESTIONS: readonly Question[] = [
  { name: "full 1.3, ECDSA", probe: prefix, client: handshakes({}), counts: HANDSHAKES },
  { name: "full 1.3, RSA", probe: prefix, client: handshakes(RSA), counts: HANDSHAKES },
  { name: "full 1.2, ECDSA", probe: prefix, client: handshakes(TLS_1_2), counts: HANDSHAKES },
  { name: "resumed 1.3", probe: prefix, client: resumptions({}), counts: HANDSHAKES },
  { name: "resumed 1.2", probe: prefix, client: resumptions(TLS_1_2), counts: HANDSHAKES },
  { name: "GET, HTTP/1.1", probe: prefix, client: keptConnection },
  { name: "GET, HTTP/2", probe: prefix, client: keptHttp2 },
  { name: "1 MiB, HTTP/1.1", probe: large, client: keptConnection, counts: LARGE_ANSWERS },
  { name: "1 MiB, HTTP/2", probe: large, client: keptHttp2, counts: LARGE_ANSWERS },
];
