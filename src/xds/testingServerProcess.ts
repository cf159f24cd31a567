/** For tests: a server in a process of its own, which can be killed at any time and started again in its place. */
import { readRefusal } from "../targets/envoy/index.ts";
import { createXdsServer, type XdsResource } from "./index.ts";
import { CLUSTER, ENDPOINT, fleet, LISTENER, ROUTE } from "./testing.ts";
import { answerParent } from "./testingProcess.ts";
import type { NodeTypeStatus } from "./types.ts";

const server = createXdsServer({ identifier: "trimtab/killed", readRefusal });
const edge = fleet(server);
let known = new Map<string, XdsResource>();

/** Equal resources are one object over all views, as the server's contract asks. */
function setView(resources: readonly XdsResource[]): void {
  const before = known;
  known = new Map();
  for (const resource of resources) {
    const key = `${resource.typeUrl} ${resource.name} ${resource.version}`;
    known.set(key, before.get(key) ?? resource);
  }
  edge.set(...known.values());
}

const answers = {
  /** Shows the views one after the other, then listens: port 0 is any. As the control plane does, which shows its last revisions first. */
  listen({ port, views }: { port: number; views: readonly (readonly XdsResource[])[] }) {
    for (const view of views) setView(view);
    return server.listen(`127.0.0.1:${port}`);
  },
  set(resources: readonly XdsResource[]) {
    setView(resources);
    return null;
  },
  /**
   * True when all types were asked for and served, and each stream has accepted the newest state. A node that comes back with all of
   * a type, and with more that its old connections still use, is sent nothing.
   */
  isSettled() {
    const nodes = server.nodes("edge");
    const isServed = ({ sent, acked, kept }: NodeTypeStatus): boolean =>
      sent !== null || acked !== null || kept.length > 0;
    const served = new Set(nodes.flatMap(({ types }) => types.filter(isServed).map(({ typeUrl }) => typeUrl)));
    const all = [CLUSTER, ENDPOINT, LISTENER, ROUTE].every((typeUrl) => served.has(typeUrl));
    return all && nodes.every(({ ackedRevision }) => ackedRevision === edge.revision);
  },
  nodes: () => server.nodes("edge"),
};
export type ServerProcess = typeof answers;
answerParent(answers);
