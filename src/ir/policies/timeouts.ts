/** How long a forwarded request may take. */
export interface TimeoutsIr {
  /** Backend silence that ends the request with 504. */
  readonly idleMs: number;
  /** Total time that ends the request with 504; null: none. */
  readonly requestMs: number | null;
}
