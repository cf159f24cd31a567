import { isAddress } from "./addresses.ts";
import { parseDuration } from "./values.ts";

/** The `format`s of `schemas/` that are ours, as the validator takes them. Its generator loads this: it may need nothing of `gen`. */
export const formats = {
  ip: { type: "string", validate: isAddress },
  "duration-string": { type: "string", validate: (text: string): boolean => parseDuration(text) !== null },
} as const;
