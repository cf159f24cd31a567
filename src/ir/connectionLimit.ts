/** How many connections a port takes. Null: any number. */
export interface ConnectionLimitIr {
  /** Of all clients together. */
  readonly max: number | null;
  /** From one address. */
  readonly perSource: number | null;
}

/** What nearly all ports have. */
export const NO_CONNECTION_LIMIT: ConnectionLimitIr = Object.freeze({ max: null, perSource: null });
