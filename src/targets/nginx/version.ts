/** Versions of nginx that make a difference to what is written. */
import type { Version } from "../target.ts";

/** Debian 12's nginx; the constructs here were measured on it. */
export const DEFAULT_VERSION: Version = [1, 22, 0];
