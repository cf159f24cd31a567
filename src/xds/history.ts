/**
 * What a type held at its last versions. A node that comes back says which version it has; only with that version's resources
 * can the server tell what the node will lose, and keep it until nothing names it any more.
 */
import { MAX_HISTORY, MAX_HISTORY_NAMES } from "./limits.ts";
import type { XdsResource } from "./types.ts";
import type { ResourceMap } from "./view.ts";

/** The last versions of one type in one group. */
export interface History {
  /** Remembers a version; the oldest go when there are too many. */
  note(version: string, resources: ResourceMap | readonly XdsResource[]): void;
  /** Forgets a version: it has stood for several states. */
  forget(version: string): void;
  /** What that version held; undefined: not remembered. */
  at(version: string): ResourceMap | undefined;
  /** A resource by its own version. */
  find(name: string, version: string): XdsResource | undefined;
}

/** Remembers nothing yet. */
export function createHistory(): History {
  const versions = new Map<string, ResourceMap | readonly XdsResource[]>();
  let names = 0;
  let lastFound = "";

  function forget(version: string): void {
    const found = versions.get(version);
    if (found !== undefined) names -= sizeOf(found);
    versions.delete(version);
  }

  function at(version: string): ResourceMap | undefined {
    const found = versions.get(version);
    if (!Array.isArray(found)) return found as ResourceMap | undefined;
    const map = new Map((found as readonly XdsResource[]).map((resource) => [resource.name, resource]));
    versions.set(version, map);
    return map;
  }

  return {
    note(version, resources) {
      forget(version);
      versions.set(version, resources);
      names += sizeOf(resources);
      for (const oldest of versions.keys()) {
        if (versions.size <= 1 || (versions.size <= MAX_HISTORY && names <= MAX_HISTORY_NAMES)) return;
        forget(oldest);
      }
    },
    at,
    forget,
    find(name, version) {
      // A node has most of what it has from one version.
      const likely = at(lastFound)?.get(name);
      if (likely?.version === version) return likely;
      for (const known of [...versions.keys()].reverse()) {
        const resource = at(known)?.get(name);
        if (resource?.version !== version) continue;
        lastFound = known;
        return resource;
      }
      return undefined;
    },
  };
}

function sizeOf(resources: ResourceMap | readonly XdsResource[]): number {
  return "size" in resources ? resources.size : resources.length;
}
