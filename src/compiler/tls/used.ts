/** The certificates that a fleet's ports name. */
import type { CertificateIr, PortIr } from "../../ir/index.ts";
import type { Snapshot } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";
import type { Steps } from "../../util/steps.ts";
import type { CompilerMemory } from "../memory.ts";
import { certificatesNamed } from "./certificates.ts";

/** Ascending by name. */
export function* usedCertificates(
  ports: readonly PortIr[],
  snapshot: Snapshot,
  memory: CompilerMemory,
): Steps<readonly CertificateIr[]> {
  const names = new Set<string>();
  for (const port of ports) {
    if (port.kind !== "http" || port.tls === null) continue;
    for (const { certificates } of [...port.tls.servers, ...(port.tls.unknown === null ? [] : [port.tls.unknown])])
      for (const name of certificates) names.add(name);
    yield;
  }
  return yield* certificatesNamed([...names].sort(compareText), snapshot, memory);
}
