/** Cuts what a process prints into lines, with bounds. */

/** A longer line is cut here: a message needs no more, and a process that never ends its line must not fill the memory. */
export const MAX_LINE = 2_000;
/** The longest line that a proxy writes of one request: HAProxy's limit, and more than any has. */
export const MAX_LOG_LINE = 65_535;
/** Lines kept for error messages: a checker's or a failed start's output is shorter than this. */
const KEPT_LINES = 20;

/** Takes chunks of text, gives whole lines (cut to `longest`, without their end). */
export function lineSplitter(onLine: (line: string) => void, longest = MAX_LINE): (chunk: string) => void {
  let rest = "";
  return (chunk) => {
    const parts = (rest + chunk).split("\n");
    rest = (parts.pop() ?? "").slice(0, longest);
    for (const part of parts) {
      onLine(part.slice(0, longest));
    }
  };
}

/** The last lines of something, oldest first. */
export interface RecentLines {
  add(line: string): void;
  clear(): void;
  text(): string;
}

/** Keeps the newest `KEPT_LINES` lines; older ones are forgotten. */
export function recentLines(): RecentLines {
  let lines: readonly string[] = [];
  return {
    add: (line) => {
      lines = [...lines, line].slice(-KEPT_LINES);
    },
    clear: () => {
      lines = [];
    },
    text: () => lines.join("\n"),
  };
}
