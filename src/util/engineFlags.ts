/** How V8 runs a server: how much memory it keeps for what is no longer needed, and when code is worth its best compiler. */
import { setFlagsFromString } from "node:v8";

/**
 * The heap is collected once it has grown by this much since the last time. V8 lets a small one grow to four times its size, so that
 * requests which are soon forgotten leave a server with twice the memory that it uses.
 */
const GROWTH_PERCENT = 100;

/**
 * The young generation stays as large as loading the program made it (a collection takes off about 12 MB). V8 would double it whenever
 * some new objects live on, up to 128 MiB, and give none of it back while there is work.
 */
const YOUNG_GROWTH_FACTOR = 1;

/**
 * TurboFan compiles a function when it was called this often; V8's own number is 3 000. By then a server's hundred hottest functions cost
 * it half a second, 10 ms each, and what they gain pays that back after about 60 000 responses (decision 85).
 */
const TURBOFAN_CALLS = 50_000;

/** For the life of the process; to be called as it starts. */
export function setEngineFlags(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  setFlagsFromString(`--semi-space-growth-factor=${YOUNG_GROWTH_FACTOR}`);
  setFlagsFromString(`--invocation-count-for-turbofan=${TURBOFAN_CALLS}`);
}
