/** Questions and orders to a running HAProxy, over its own socket. */
import { connect } from "node:net";

/** Servers of a thousand backends are about a megabyte. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Of a line; HAProxy reads it into one buffer, of 16 KiB where nothing else is written. */
const MAX_LINE_BYTES = 8 * 1024;

/** What it says to one line, which may hold several commands; what came until then when it does not end in time. */
export function askHaproxy(path: string, line: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const socket = connect({ path });
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.on("connect", () => socket.write(`${line}\n`));
    socket.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes > MAX_ANSWER_BYTES) socket.destroy();
      else parts.push(part);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(parts).toString("utf8"));
    });
  });
}

/** Commands as lines, as few as can be. Their order stays. */
export function linesOf(commands: readonly string[]): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const command of commands) {
    const longer = line === "" ? command : `${line}; ${command}`;
    if (Buffer.byteLength(longer) <= MAX_LINE_BYTES || line === "") {
      line = longer;
    } else {
      lines.push(line);
      line = command;
    }
  }
  return line === "" ? lines : [...lines, line];
}
