/** The certificates and authorities that a fleet's ports and clusters name. */
import {
  type AuthorityIr,
  askedBy,
  type CertificateIr,
  type FleetIr,
  type PortIr,
  type TlsServerIr,
  tlsRoutesOf,
} from "../../ir/index.ts";
import type { Snapshot } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { CompilerMemory } from "../memory.ts";
import { authorityIr, certificatesNamed } from "./certificates.ts";

type Users = Pick<FleetIr, "ports" | "clusters">;

/** Ascending by name. */
export function* usedCertificates(
  { ports, clusters }: Users,
  snapshot: Snapshot,
  memory: CompilerMemory,
): Steps<readonly CertificateIr[]> {
  const names = new Set<string>();
  for (const port of ports) {
    for (const { certificates } of endedBy(port)) for (const name of certificates) names.add(name);
    yield;
  }
  for (const [index, { tls }] of clusters.entries()) {
    if (tls !== null && tls.clientCertificate !== null) names.add(tls.clientCertificate);
    if (shouldYield(index)) yield;
  }
  return yield* certificatesNamed([...names].sort(compareText), snapshot, memory);
}

/** What clients of a port are shown. */
function endedBy(port: PortIr): readonly TlsServerIr[] {
  const ended = tlsRoutesOf(port)?.routes.flatMap(({ terminate }) => terminate ?? []) ?? [];
  if (port.kind !== "http" || port.tls === null) return ended;
  return [...port.tls.servers, ...(port.tls.unknown === null ? [] : [port.tls.unknown]), ...ended];
}

/** The same of those who are trusted. */
export function* usedAuthorities(
  { ports, clusters }: Users,
  snapshot: Snapshot,
  memory: CompilerMemory,
): Steps<readonly AuthorityIr[]> {
  const names = new Set<string>();
  for (const { authorities } of ports.flatMap(askedBy)) for (const name of authorities) names.add(name);
  for (const [index, { tls }] of clusters.entries()) {
    const authority = tls?.verification?.authority ?? null;
    if (authority !== null) names.add(authority.name);
    if (shouldYield(index)) yield;
  }
  const found: AuthorityIr[] = [];
  for (const name of [...names].sort(compareText)) {
    const authority = snapshot.authority.get(name);
    if (authority === undefined)
      throw new Error(`authority ${name} is referred to but missing: the model's rules did not run`);
    found.push(authorityIr(authority, memory));
    yield;
  }
  return found;
}
