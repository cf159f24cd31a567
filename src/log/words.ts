/** Levels and formats, for command lines too: no more than these is loaded to read one. */

/** From the least to the worst. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
/** One of them. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How lines are written. */
export const LOG_FORMATS = ["text", "json"] as const;
/** One of them. */
export type LogFormat = (typeof LOG_FORMATS)[number];
