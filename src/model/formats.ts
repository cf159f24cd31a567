import { isIP } from "node:net";
import { parseDuration } from "./values.ts";

/** The `format`s of `schemas/` that are ours, as the validator takes them. */
export const formats = {
  ip: { type: "string", validate: (text: string): boolean => isIP(text) !== 0 },
  "duration-string": { type: "string", validate: (text: string): boolean => parseDuration(text) !== null },
} as const;
