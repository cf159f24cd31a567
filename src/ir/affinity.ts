/** How a client is kept on its endpoint: by a cookie whose value names the endpoint alike on every proxy. */
export interface AffinityIr {
  /** Its name. */
  readonly cookie: string;
}
