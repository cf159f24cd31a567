/** How a client is kept on its endpoint: by a cookie whose value names the endpoint alike on every proxy. */
export interface AffinityIr {
  readonly cookie: string;
}
