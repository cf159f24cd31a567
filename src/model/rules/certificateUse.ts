import type { Diagnostic } from "../../errors/diagnostic.ts";
import { certificatesOf } from "../certificateFacts.ts";
import { effectiveHostnames } from "../hostnames.ts";
import type { Resource, Snapshot } from "../types.ts";
import { ANY_HOST } from "../values.ts";
import type { CertificateFacts } from "../x509.ts";
import { problem, type Rule, touchedOf, warning } from "./rule.ts";

const CODE = "MODEL-CERTIFICATE-USE";
/** A wrong certificate may concern very many hosts: so many are told of. */
const MAX_HOSTS = 10;

/** A certificate is shown for the names that it has, by those for whom it was issued. */
export const certificateUse: Rule = function* (snapshot, touched) {
  const namesOf = namesByListener(snapshot);
  for (const listener of touchedOf(touched, "listener")) yield* ofListener(snapshot, listener, namesOf);
  for (const cluster of touchedOf(touched, "cluster")) {
    const name = cluster.body.tls?.clientCertificate;
    const leaf = name === undefined ? undefined : leafOf(snapshot, name);
    if (leaf === undefined || leaf.forClients) continue;
    const message = `certificate ${JSON.stringify(name)} was issued for servers, not for clients (extended key usage)`;
    yield problem(CODE, cluster, { pointer: "/tls/clientCertificate", message });
  }
  for (const route of touchedOf(touched, "route")) yield* ofRoute(snapshot, route, namesOf);
};

function* ofListener(snapshot: Snapshot, listener: Resource<"listener">, namesOf: NamesOf): Iterable<Diagnostic> {
  const { tls, hostname } = listener.body;
  const covering = namesOf(listener);
  for (const [index, name] of (tls?.certificates ?? []).entries()) {
    const leaf = leafOf(snapshot, name);
    if (leaf === undefined) continue;
    const pointer = `/tls/certificates/${index}`;
    const quoted = JSON.stringify(name);
    if (!leaf.forServers) {
      const message = `certificate ${quoted} was issued for clients, not for servers (extended key usage)`;
      yield problem(CODE, listener, { pointer, message });
    }
    if (leaf.serverNames.length === 0) {
      const message = `certificate ${quoted} has no DNS name (subjectAltName): no client that looks would take it for any host`;
      yield warning(CODE, listener, { pointer, message });
    }
  }
  if (covering === null || hostname === undefined) return;
  const host = hostname.toLowerCase();
  if (
    isCovered(host, covering) ||
    (host.startsWith("*.") && [...covering].some((name) => name.endsWith(host.slice(1))))
  )
    return;
  const message = `no certificate of this listener is for ${host}: clients that ask for it see a certificate of another name, or none`;
  yield warning(CODE, listener, { pointer: "/hostname", message });
}

function* ofRoute(snapshot: Snapshot, route: Resource<"route">, namesOf: NamesOf): Iterable<Diagnostic> {
  let told = 0;
  for (const [index, name] of route.body.listeners.entries()) {
    const listener = snapshot.listener.get(name);
    const covering = listener === undefined ? null : namesOf(listener);
    if (listener === undefined || covering === null || route.body.hostnames === undefined) continue;
    for (const host of effectiveHostnames(route.body, listener.body)) {
      if (host === ANY_HOST || isCovered(host, covering) || told++ >= MAX_HOSTS) continue;
      const own = route.body.hostnames.findIndex((written) => written.toLowerCase() === host);
      const pointer = own < 0 ? `/listeners/${index}` : `/hostnames/${own}`;
      const deeper = [...covering].some((one) => one.startsWith("*.") && host.endsWith(one.slice(1)));
      const why = deeper && !host.startsWith("*.") ? "; a wildcard in a certificate stands for one label" : "";
      const message = `no certificate of listener ${JSON.stringify(name)} is for ${host}${why}`;
      yield warning(CODE, route, { pointer, message });
    }
  }
}

/** The names of all certificates of a listener; null: it shows none, or which ones is not known. */
type NamesOf = (listener: Resource<"listener">) => ReadonlySet<string> | null;

/** Many routes of one look name the same listener, which may have a thousand certificates: they are gone through once. */
function namesByListener(snapshot: Snapshot): NamesOf {
  const found = new Map<Resource<"listener">, ReadonlySet<string> | null>();
  return (listener) => {
    const known = found.get(listener);
    if (known !== undefined) return known;
    const leaves = (listener.body.tls?.certificates ?? []).map((name) => leafOf(snapshot, name));
    const names = new Set(leaves.flatMap((leaf) => leaf?.serverNames ?? []));
    const isKnown = leaves.every((leaf) => leaf !== undefined);
    const shown = isKnown && names.size > 0 ? names : null;
    found.set(listener, shown);
    return shown;
  };
}

/** `*.x` is covered by the same only, and a name by a wildcard in place of its first label (RFC 6125, 6.4.3). */
function isCovered(host: string, names: ReadonlySet<string>): boolean {
  if (names.has(host)) return true;
  return !host.startsWith("*.") && host.includes(".") && names.has(`*${host.slice(host.indexOf("."))}`);
}

function leafOf(snapshot: Snapshot, name: string): CertificateFacts | undefined {
  const certificate = snapshot.certificate.get(name);
  return certificate === undefined ? undefined : certificatesOf(certificate).certificates[0];
}
