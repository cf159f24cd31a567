/** The vocabulary of the xDS room: opaque resources, and what is known about each node. */

/** One resource. Immutable: a changed resource is a new object. */
export interface XdsResource {
  readonly typeUrl: string;
  readonly name: string;
  /** The serialised message (the value of its Any). */
  readonly bytes: Uint8Array;
  /** Content hash, at most 16 characters. */
  readonly version: string;
  /** Resources that must be there first: `[typeUrl, name]`. */
  readonly refs: readonly (readonly [string, string])[];
}

/** typeUrl -> name -> resource: everything that one group of nodes may see. */
export type XdsView = ReadonlyMap<string, ReadonlyMap<string, XdsResource>>;

/** What happened to one type on one node's stream. */
export interface NodeTypeStatus {
  readonly typeUrl: string;
  /** Version last sent, last accepted and last refused; null: none yet. */
  readonly sent: string | null;
  readonly acked: string | null;
  readonly nacked: { readonly version: string; readonly message: string; readonly resources: readonly string[] } | null;
}

export interface NodeStatus {
  readonly nodeId: string;
  readonly group: string;
  /** RFC 3339. */
  readonly connectedAt: string;
  readonly userAgent: string;
  /** The group's `revision` tag as it was when this node last had acknowledged everything it subscribes to; null: never yet. */
  readonly ackedRevision: number | null;
  readonly types: readonly NodeTypeStatus[];
}

/** The nodes' side of the server. `group` is the fleet's name; the room attaches no meaning to it. */
export interface XdsServer {
  /** Replaces a group's whole view. Unchanged resources must be the same objects; cost is proportional to what changed. */
  setView(group: string, view: XdsView, revision: number): void;
  /** Streams of an unknown or deleted group are refused with NOT_FOUND; open ones are ended so. No proxy is emptied. */
  deleteGroup(group: string): void;
  /** All nodes seen with an open stream, or the named group's. */
  nodes(group?: string): readonly NodeStatus[];
  /** Binds and returns the address in use, as `127.0.0.1:18000`. */
  listen(address: string): Promise<string>;
  close(): Promise<void>;
}
