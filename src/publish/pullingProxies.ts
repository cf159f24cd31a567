/** What proxies that pull and run here say of themselves beside what their streams tell. Nothing here is stored. */
import type { NodeStatus } from "../xds/types.ts";
import type { Leaving, PullingProxyStatus } from "./types.ts";

/** Proxies of one fleet; of further ones nothing is shown. */
const MAX_WATCHED = 1_000;

export interface PullingProxies {
  /** `read` says what is under way of what gets nothing new, whenever somebody asks. Gives the end of that. */
  watch(fleet: string, nodeId: string, read: () => Leaving): () => void;
  /** Streams of a fleet's proxies, with that of those that run here. */
  of(fleet: string): readonly PullingProxyStatus[];
}

/** Knows of nothing at first. `nodes`: the streams of a fleet. */
export function createPullingProxies(nodes: (fleet: string) => readonly NodeStatus[]): PullingProxies {
  const fleets = new Map<string, Map<string, () => Leaving>>();
  return {
    watch(fleet, nodeId, read) {
      const nodes = fleets.get(fleet) ?? new Map<string, () => Leaving>();
      if (nodes.size < MAX_WATCHED) fleets.set(fleet, nodes.set(nodeId, read));
      return () => {
        if (nodes.get(nodeId) === read) nodes.delete(nodeId);
        if (nodes.size === 0 && fleets.get(fleet) === nodes) fleets.delete(fleet);
      };
    },
    of(fleet) {
      const here = fleets.get(fleet);
      return nodes(fleet).map((node) => ({ ...node, leaving: here?.get(node.nodeId)?.() ?? null }));
    },
  };
}
