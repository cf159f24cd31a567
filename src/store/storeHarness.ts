/** What the store's tests and their child process share. */
import { applyChanges, makeResource } from "../model/index.ts";
import type { Change, Snapshot } from "../model/types.ts";
import type { Head, Prepared, WriteRequest } from "./types.ts";

/** A cluster document whose one endpoint carries `port`. */
export function cluster(name: string, port = 80): Change {
  const resource = makeResource("cluster", { name, endpoints: [{ address: "10.0.0.1", port }] });
  return { kind: "cluster", name, resource };
}

export function removal(name: string): Change {
  return { kind: "cluster", name, resource: null };
}

/** Commits `changes` on whatever is there. */
export function commitOf<T>(head: Head, changes: readonly Change[], result: T): Prepared<T> {
  return { kind: "commit", changes, snapshot: applyChanges(head.snapshot, changes), result };
}

export function put(...changes: readonly Change[]): WriteRequest<null> {
  return { author: "test", message: "", prepare: (head) => commitOf(head, changes, null) };
}

export function portOf(snapshot: Snapshot | null, name: string): number | undefined {
  return snapshot?.cluster.get(name)?.body.endpoints[0]?.port;
}

/** Names that a process which is killed writes in one revision: in every model all of them have the same port. */
export const APPLIED: readonly string[] = Array.from({ length: 60 }, (_, index) => `applied-${index}`);
