/** A raw request's head in pieces, as far as it can be taken apart: for what is told of requests, not for reading them. */

/** The pieces. */
export interface Head {
  /** Without the end of its line. */
  readonly requestLine: string;
  /** All other lines, those that are none included. */
  readonly lines: readonly string[];
  readonly body: string;
}

/** Takes it apart at its lines' ends. */
export function headOf(bytes: string): Head {
  const end = bytes.indexOf("\r\n\r\n");
  const [requestLine = "", ...lines] = bytes
    .slice(0, end)
    .replace(/^(?:\r?\n)+/, "")
    .split(/\r?\n/);
  return { requestLine, lines, body: bytes.slice(end + 4) };
}

/** The values of a field's lines, without the blanks at their ends. */
export function valuesOf(lines: readonly string[], name: string): readonly string[] {
  const own = lines.filter((line) => line.toLowerCase().startsWith(`${name}:`));
  return own.map((line) => line.slice(name.length + 1).replace(/^[ \t]+|[ \t]+$/g, ""));
}
