/** Versions of Envoy that make a difference to what is written. */
import type { Version } from "../target.ts";

/** The API that we write; FULL_SCAN of least_request needs 1.30. */
export const DEFAULT_VERSION: Version = [1, 31, 0];
