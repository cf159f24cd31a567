/**
 * Requests of clients with certificates on Envoy: what the generated listener, which asks by Lua, costs beside a file by hand that tells
 * endpoints of the certificate by Envoy's own means. That one promises less: of `*.example.com` a connection may ask for any host, and
 * `Hash` stands before the rest of the field.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { parse } from "yaml";
import { AUTHORITY, CERTIFICATES, CHAINS_OF_ONE_KEY } from "../../src/suite/arbitrary/certificates.ts";
import { CASES, type Probe, SHOP } from "./cases.ts";
import { keptConnection, keptHttp2 } from "./clients.ts";
import { compare } from "./comparing.ts";
import type { Options } from "./options.ts";
import { differences, view } from "./proof.ts";
import type { Expert, ProxyKind } from "./proxies.ts";
import type { Question } from "./question.ts";
import type { Row } from "./report.ts";
import { serveAll, stopAll } from "./serving.ts";
import { expertSide, generatedSide, type ModelText, type Side } from "./sides.ts";
import { HELLO, tlsModel } from "./tls.ts";
import { endTls } from "./tlsExperts.ts";
import { startEcho } from "./upstreams.ts";
import type { Place } from "./workplace.ts";

const { chain: cert, privateKey: key } = CERTIFICATES.client;
const SHOWN: ConnectionOptions = { ...HELLO, cert, key };
const prefix = CASES[0] as Probe;

const QUESTIONS: readonly Question[] = [
  { name: "client's, HTTP/1.1", probe: prefix, client: keptConnection },
  { name: "client's, HTTP/2", probe: prefix, client: keptHttp2 },
];

/** The rows. */
export async function clientsRows(work: {
  readonly proxy: ProxyKind;
  readonly written: Expert;
  readonly options: Options;
  readonly place: Place;
}): Promise<readonly Row[]> {
  const { proxy, written, options, place } = work;
  const grow = (folder: string): void => {
    endTls(proxy.name, folder);
    askForCertificates(folder);
  };
  const own = { ...written, name: "expert, clients", grow };
  const text = clientsModel(tlsModel(proxy.name));
  return compare({
    part: "tls",
    what: "certificates of clients",
    options,
    place,
    expert: { ...(await expertSide(proxy, own, place)), tls: SHOWN },
    generated: { ...(await generatedSide(proxy, { name: "generated, clients", text }, place)), tls: SHOWN },
    questions: QUESTIONS,
    variants: null,
    proveMore: proveClients,
  });
}

function clientsModel(text: ModelText): ModelText {
  return (ports) => {
    const model = JSON.parse(text(ports));
    const clientAuthentication = { mode: "require", authorities: ["own"], forward: "xfcc" };
    model.authorities = [{ name: "own", bundle: AUTHORITY }];
    for (const { tls } of model.listeners) tls.clientAuthentication = clientAuthentication;
    return JSON.stringify(model);
  };
}

/** A chain for each server name: what is asked for beside it is 421. */
function askForCertificates(folder: string): void {
  const file = join(folder, "envoy.yaml");
  const config = parse(readFileSync(file, "utf8"), { maxAliasCount: -1 });
  writeFileSync(join(folder, "certificates", "clients.pem"), AUTHORITY);
  const [listener] = config.static_resources.listeners;
  const [chain] = listener.filter_chains;
  listener.filter_chains = [
    ["shop", SHOP],
    ["tenants", "*.example.com"],
  ].map(([host, name]) => {
    const { filters, transport_socket, ...rest } = structuredClone(chain);
    const tls = transport_socket.typed_config;
    const validation_context = { trusted_ca: { filename: join(folder, "certificates", "clients.pem") } };
    const manager = filters[0].typed_config;
    const hosts = manager.route_config.virtual_hosts.filter((one: { name: string }) =>
      [host, "others"].includes(one.name),
    );
    hosts.at(-1).routes.push({
      match: { prefix: "/" },
      direct_response: { status: 421, body: { inline_string: "421 Misdirected Request\n" } },
    });
    return {
      ...rest,
      filter_chain_match: { server_names: [name] },
      transport_socket: {
        ...transport_socket,
        typed_config: {
          ...tls,
          require_client_certificate: true,
          disable_stateless_session_resumption: true,
          disable_stateful_session_resumption: true,
          common_tls_context: { ...tls.common_tls_context, validation_context },
        },
      },
      filters: [
        {
          ...filters[0],
          typed_config: {
            ...manager,
            forward_client_cert_details: "SANITIZE_SET",
            set_current_client_cert_details: { subject: true, cert: true },
            route_config: { ...manager.route_config, virtual_hosts: hosts },
          },
        },
      ],
    };
  });
  // As JSON: Envoy would read `yes` as true.
  writeFileSync(file, JSON.stringify(config));
}

/** What only these listeners do; nobody is asked for the rest, which `compare` proves for those without certificates. */
const PROBES: readonly Probe[] = [
  ...CASES.filter(({ host = SHOP }) => host === SHOP),
  { ...prefix, name: "a field of the client's own", fields: ['X-Forwarded-Client-Cert: Cert="spoofed"'] },
  { name: "another host", target: "/cart", host: "t1.example.com", status: 421 },
  { name: "a host of nobody", target: "/cart", host: "other.test", status: 421 },
];

const WILDCARD = { ...SHOWN, servername: "t1.eu.example.com" };

const SHUT_OUT: readonly (readonly [name: string, tls: ConnectionOptions])[] = [
  ["no certificate", HELLO],
  ["a stranger's", { ...HELLO, cert: CHAINS_OF_ONE_KEY[1], key: CERTIFICATES.exampleEcdsa.privateKey }],
];

async function proveClients(sides: readonly Side[]): Promise<void> {
  const answer = CASES.find(({ name }) => name === "answer") as Probe;
  const serving = await serveAll(sides, () => answer);
  const echo = await startEcho((sides[0] as Side).upstreams);
  const problems: string[] = [];
  const prove = async (probe: Probe, tls: ConnectionOptions): Promise<void> => {
    const [first, second] = await Promise.all(sides.map((side) => view({ ...side, tls }, probe)));
    if (first === undefined || second === undefined) return;
    const wrong = [first, second].flatMap((seen) => (seen.wrong === null ? [] : [seen.wrong]));
    problems.push(
      ...[...wrong, ...differences(comparable(probe, second.text), comparable(probe, first.text))].map(
        (what) => `${probe.name}: ${what}`,
      ),
    );
  };
  try {
    for (const probe of PROBES) await prove(probe, SHOWN);
    for (const probe of CASES.filter(({ host }) => host !== undefined)) await prove(probe, WILDCARD);
    for (const [name, tls] of SHUT_OUT)
      for (const side of sides) {
        const { wrong } = await view({ ...side, tls }, prefix);
        if (wrong === null) problems.push(`${side.name}: ${name} is let in`);
      }
  } finally {
    await echo.stop();
    await stopAll(serving);
  }
  if (problems.length > 0) throw new Error(`clients with certificates do not see the same:\n${problems.join("\n")}`);
}

/** Nor what the rule of the host that was asked for adds to answers, which Envoy's Lua cannot keep off its 421. */
function comparable({ status }: Probe, lines: readonly string[]): readonly string[] {
  const own = status === 421 ? lines.filter((line) => !line.startsWith("x-rule: ")) : lines;
  return own.map((line) => line.replace(/(x-forwarded-client-cert: )Hash=[0-9a-f]{64};/, "$1"));
}
