/** Labels of clients by their address. */

/** A table that rules ask for labels. Of ranges that overlap the narrowest counts. */
export interface GeoTableIr {
  readonly name: string;
  /** Distinct; ascending: IPv4 before IPv6, by address, then the wider range. */
  readonly entries: readonly GeoEntryIr[];
  /** The label of all other clients; null: they have none. */
  readonly defaultLabel: string | null;
}

export interface GeoEntryIr {
  /** In CIDR notation, canonical. */
  readonly cidr: string;
  /** Letters, digits and `-_./`. */
  readonly label: string;
}
