/** Lines that nobody's text can forge, floods that are counted, and secrets that are never written. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createLogger,
  LINES_PER_EVENT,
  LINES_PER_SENDER,
  type LogFormat,
  type Logger,
  type LogLevel,
} from "./index.ts";

interface Bench {
  readonly logger: Logger;
  readonly lines: string[];
  /** Lets the span of time end that floods are counted in. */
  readonly pass: () => void;
}

function bench(format: LogFormat = "json", level: LogLevel = "info"): Bench {
  const lines: string[] = [];
  const timers = new Set<() => void>();
  const clock = {
    now: () => new Date("2026-01-02T03:04:05Z"),
    after(_milliseconds: number, callback: () => void) {
      timers.add(callback);
      return () => void timers.delete(callback);
    },
  };
  const logger = createLogger({ format, level, write: (line) => void lines.push(line), clock });
  const pass = (): void => {
    for (const timer of [...timers]) {
      timers.delete(timer);
      timer();
    }
  };
  return { logger, lines, pass };
}

const parsed = (line: string | undefined): Record<string, unknown> => JSON.parse(line ?? "");

test("a line of JSON, and the same as text", () => {
  const fields = {
    revision: 3,
    author: "ann b",
    owners: ["shop"],
    ok: true,
    none: null,
    changed: ["updated clusters/a"],
  };
  const json = bench();
  json.logger.log("info", "write", fields);
  expect(parsed(json.lines[0])).toEqual({ level: "info", time: "2026-01-02T03:04:05.000Z", event: "write", ...fields });
  const text = bench("text");
  text.logger.log("info", "write", fields);
  expect(text.lines).toEqual([
    '2026-01-02T03:04:05.000Z INFO  write revision=3 author="ann b" owners=shop ok=true none=null changed=["updated clusters/a"]\n',
  ]);
});

test.each(["json", "text"] as const)(
  "%s: nothing that stands in a field makes a second line or a control sequence",
  (format) => {
    const { logger, lines } = bench(format);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (value, key) => {
        lines.length = 0;
        logger.log("warn", "nack", { message: value, list: [value, "x"], nested: { [key]: value } });
        expect(lines.length).toBe(1);
        const line = lines[0] as string;
        expect(line.endsWith("\n")).toBe(true);
        expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        // What was said can be read back, byte for byte.
        if (format === "json") expect(parsed(line).message).toBe(value.isWellFormed() ? value : value.toWellFormed());
      }),
    );
  },
);

test.each([
  "a\nb",
  "\u001b[2K\u001b[1G",
  "\u009b31m",
  "\u2028",
  "\u202egnp.exe",
  "\u{e0041}",
  '","level":"error","event":"forged',
  "x level=error event=forged",
])("forging with %j does not work", (text) => {
  for (const format of ["json", "text"] as const) {
    const { logger, lines } = bench(format);
    logger.log("info", "proxy-connected", { node: text, fleet: "edge" });
    expect(lines.length).toBe(1);
    expect(lines[0]?.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    if (format === "json")
      expect(parsed(lines[0])).toMatchObject({ level: "info", event: "proxy-connected", node: text });
    else expect(lines[0]).toMatch(/^\S+ INFO {2}proxy-connected node="/);
  }
});

test("long texts, long lists and deep objects are cut", () => {
  const { logger, lines } = bench();
  const deep = { a: { b: { c: { d: { e: 1 } } } } };
  logger.log("info", "write", { text: "x".repeat(100_000), list: Array.from({ length: 5000 }, String), deep });
  const { text, list } = parsed(lines[0]) as { text: string; list: string[] };
  expect(text).toMatch(/^x{2000}\.\.\. \(98000 more characters\)$/);
  expect(list.length).toBe(100);
  expect(lines[0]?.length).toBeLessThan(4000);
});

test("of an error its words and place are told, and nothing that hangs on it", () => {
  const { logger, lines } = bench();
  const error = Object.assign(new Error("broke", { cause: { token: "hanging" } }), { request: { token: "hanging" } });
  logger.log("error", "xds-error", { error });
  logger.library.error({ err: error }, "request-failed");
  logger.library.error(error);
  for (const line of lines) {
    expect(line).toContain("broke");
    expect(line).toContain("logger.test.ts");
    expect(line).not.toContain("hanging");
  }
  expect(lines.length).toBe(3);
});

test("a hidden text is never written, in whatever field and form it comes", () => {
  for (const secret of ["canary-0123456789abcdef", 'ca"na\\ry-0123456789', "canary+/=="]) {
    for (const format of ["json", "text"] as const) {
      const { logger, lines } = bench(format, "debug");
      logger.hide(secret);
      logger.log("info", "write", { author: secret, list: [`x${secret}x`], nested: { [secret]: secret } });
      logger.log("error", "failed", { error: new Error(`of ${secret}`) });
      logger.paced({ sender: "a", level: "warn", event: "token-refused", fields: { message: secret } });
      logger.library.warn({ headers: { authorization: `Bearer ${secret}` } }, secret);
      expect(lines.length).toBe(4);
      expect(lines.join("")).not.toContain(secret);
      expect(lines.join("")).not.toContain(JSON.stringify(secret).slice(1, -1));
      expect(lines.join("")).toContain("[redacted]");
    }
  }
});

test("one sender writes some lines, all together some more, the others are counted and told", () => {
  const { logger, lines, pass } = bench();
  for (let count = 0; count < 100; count++)
    logger.paced({ sender: "flapping", level: "info", event: "proxy-connected", fields: { node: "flapping" } });
  expect(lines.length).toBe(LINES_PER_SENDER);
  logger.paced({ sender: "calm", level: "info", event: "proxy-connected", fields: { node: "calm" } });
  expect(parsed(lines.at(-1))).toMatchObject({ node: "calm", untold: 95 });
  for (let count = 0; count < 1000; count++)
    logger.paced({ sender: `n${count}`, level: "info", event: "proxy-connected", fields: {} });
  expect(lines.length).toBe(LINES_PER_EVENT);
  logger.paced({ sender: "x", level: "warn", event: "nack" });
  expect(parsed(lines.at(-1)).event).toBe("nack");
  pass();
  expect(parsed(lines.at(-1))).toMatchObject({
    level: "warn",
    event: "log-untold",
    of: "proxy-connected",
    untold: 956,
  });
  expect(logger.untold.get("proxy-connected")).toBe(95 + 956);
  logger.paced({ sender: "flapping", level: "info", event: "proxy-connected" });
  expect(parsed(lines.at(-1)).event).toBe("proxy-connected");
  logger.close();
  pass();
});

test("the level is the least that is written; libraries write warnings and worse", () => {
  const { logger, lines } = bench("json", "warn");
  logger.log("info", "write");
  logger.paced({ sender: "a", level: "info", event: "proxy-connected" });
  logger.library.info("Server listening");
  logger.log("warn", "token-short");
  expect(lines.map((line) => parsed(line).event)).toEqual(["token-short"]);
  expect(bench("json", "debug").logger.library.level).toBe("warn");
});
