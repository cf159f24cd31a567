/** How much memory this process keeps for what it no longer needs. */
import { setFlagsFromString } from "node:v8";

/**
 * The heap is collected once it has grown by this much since the last time. V8 lets a small one grow to four times its size, so that
 * requests which are soon forgotten leave a server with twice the memory that it uses.
 */
const GROWTH_PERCENT = 100;

/**
 * New objects stay in the megabyte that V8 begins with. It would double that whenever some of them live on, up to 128 MiB, and give none
 * of it back while there is work.
 */
const YOUNG_GROWTH_FACTOR = 1;

/** For the life of the process; to be called as it starts. */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  setFlagsFromString(`--semi-space-growth-factor=${YOUNG_GROWTH_FACTOR}`);
}
