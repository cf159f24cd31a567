/** What a port calls itself in Via. */
import type { Listener } from "../../model/index.ts";

/** No other port of the model has the name: those of listeners and fleets have no dot. Null: it does not guard. */
export function viaOf({ name, http }: Listener, fleet: string): string | null {
  return http?.viaGuard === true ? `${name}.${fleet}.trimtab` : null;
}
