/** Who is let in where clients show certificates: the rules of each group, and what is told of those who are sent away. */
import { type Access, accessOf, refusalOf } from "./access.ts";
import type { RefusedClient } from "./refusals.ts";
import { type EndStatus, type Peer, STATUS } from "./transport.ts";

/** Judges nodes by what their peers have shown. */
export interface Door {
  /** Says who may pull a group; null: nobody. Gives whether that is new, and open streams are to be judged again. */
  setAccess(group: string, rules: readonly string[] | null): boolean;
  /** Whether the peer may pull the group; nobody is told. */
  mayPull(group: string, peer: Peer): boolean;
  /** Why this node may not be served, counted and told; null: it may. */
  denial(asked: { readonly group: string; readonly nodeId: string; readonly peer: Peer }): EndStatus | null;
}

/** A door that lets everybody in: nobody can show who they are. */
export const OPEN_DOOR: Door = { setAccess: () => false, mayPull: () => true, denial: () => null };

/** A door that lets in whom a group's rules allow, and nobody where there are none. */
export function createDoor(noteRefusal: (client: RefusedClient) => void): Door {
  const access = new Map<string, Access>();
  return {
    setAccess(group, rules) {
      const before = access.get(group)?.rules ?? [];
      if (before.join(" ") === (rules ?? []).join(" ")) return false;
      if (rules === null) access.delete(group);
      else access.set(group, accessOf(rules));
      return true;
    },
    mayPull: (group, { identities }) => refusalOf(access.get(group), group, identities) === null,
    denial({ group, nodeId, peer: { address, identities } }) {
      const refusal = refusalOf(access.get(group), group, identities);
      if (refusal === null) return null;
      noteRefusal({ ...refusal, peer: address, identities, nodeId, group });
      // A connection shows one certificate for as long as it lasts; by the next try the client may have another.
      return { code: STATUS.PERMISSION_DENIED, message: refusal.message, reconnect: true };
    },
  };
}
