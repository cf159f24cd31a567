/** Which certificates of a listener are shown for which server names. */
import type { CertificateIr } from "../../ir/index.ts";
import { covers, intersectHostnames } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";

/** Names for which the same certificates are shown. */
export interface NameGroup {
  /** Ascending. */
  readonly serverNames: readonly string[];
  /** One for each type of key, ECDSA first. */
  readonly certificates: readonly string[];
}

/** The certificates that cover a name, in the listener's order: those that say it as it is, and those that do by a wildcard. */
interface Fitting {
  readonly exact: CertificateIr[];
  readonly byWildcard: CertificateIr[];
}

/**
 * The names of the certificates, cut to the listener's hostname; of an exact name the certificates that say it go before wildcards, and
 * for each type of key the first one counts. Groups are ascending by first name.
 */
export function* nameGroups(certificates: readonly CertificateIr[], scope: string): Steps<readonly NameGroup[]> {
  const byName = new Map<string, Fitting>();
  let looked = 0;
  for (const certificate of certificates) {
    for (const serverName of certificate.serverNames) {
      if (shouldYield(looked++)) yield;
      const name = cutTo(scope, serverName);
      if (name === null) continue;
      const fitting = byName.get(name) ?? { exact: [], byWildcard: [] };
      (name === serverName ? fitting.exact : fitting.byWildcard).push(certificate);
      byName.set(name, fitting);
    }
  }
  const groups = new Map<string, { serverNames: string[]; certificates: readonly string[] }>();
  for (const name of [...byName.keys()].sort(compareText)) {
    const { exact, byWildcard } = byName.get(name) as Fitting;
    const shown = oneOfEachType(exact.length > 0 ? exact : byWildcard);
    const group = groups.get(shown.join(" ")) ?? { serverNames: [], certificates: shown };
    group.serverNames.push(name);
    groups.set(shown.join(" "), group);
  }
  return [...groups.values()];
}

/** Null: the two have no name in common. A certificate's wildcard stands for one label. */
function cutTo(scope: string, serverName: string): string | null {
  const common = intersectHostnames(scope, serverName);
  if (common === null || common === serverName || common === "*") return common;
  const labels = (name: string): number => name.split(".").length;
  return covers(serverName, common) && labels(common) === labels(serverName) ? common : null;
}

function oneOfEachType(certificates: readonly CertificateIr[]): readonly string[] {
  const first = (type: CertificateIr["keyType"]): readonly string[] => {
    const found = certificates.find(({ keyType }) => keyType === type);
    return found === undefined ? [] : [found.name];
  };
  return [...first("ecdsa"), ...first("rsa")];
}
