/**
 * The log.
 *
 * Input: events with fields, from whoever sees them happen; what users and proxies said may stand in these. Output: one line for each,
 * as JSON or text. Guarantee: whatever stands in a field, it makes neither a second line nor a control sequence; fields are bounded in
 * length and number; a text that is known to be secret is never written; of what may come in floods so many lines are written and
 * the others counted. It decides nothing, and knows no room.
 */
export { createLogger, type LogClock, type Logger, type LoggerOptions } from "./logger.ts";
export { LINES_PER_EVENT, LINES_PER_SENDER } from "./pace.ts";
export { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from "./words.ts";
