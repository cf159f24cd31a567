/** The one logger of the program: pino, with lines that nobody's text can forge. */
import { type Logger as Pino, pino } from "pino";
import { bounded, errorFields, escaped, textLine } from "./line.ts";
import { createPace } from "./pace.ts";
import type { LogFormat, LogLevel } from "./words.ts";

/** Time, so that tests can hold it. */
export interface LogClock {
  now(): Date;
  /** Calls once, later; returns the undo. Must not keep the process alive. */
  after(milliseconds: number, callback: () => void): () => void;
}

export interface LoggerOptions {
  readonly format: LogFormat;
  /** The least that is written. */
  readonly level: LogLevel;
  /** Takes a line with its end. */
  readonly write: (line: string) => void;
  readonly clock: LogClock;
}

/** What a line says besides its event. */
export type Fields = Readonly<Record<string, unknown>>;

/** A line that somebody may cause at will. */
export interface PacedLine {
  readonly sender: string;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields?: Fields;
}

export interface Logger {
  /** `event`: a word of ours, never a user's text. */
  log(level: LogLevel, event: string, fields?: Fields): void;
  /** As `log`, of what `sender` may cause at will: beyond some lines it is only counted. */
  paced(line: PacedLine): void;
  /** This text is never written from now on, whoever sends it and in whatever field. */
  hide(secret: string): void;
  /** Lines that were only counted since the start, by event. */
  readonly untold: ReadonlyMap<string, number>;
  /** For libraries that want a pino: warnings and worse only. */
  readonly library: Pino;
  close(): void;
}

/** Where a token can stand in what a library logs. */
const SECRETS = ["req.headers.authorization", "headers.authorization", "authorization", "apiToken"];
const CENSOR = "[redacted]";

/** Writes nothing before it is asked to. */
export function createLogger({ format, level, write, clock }: LoggerOptions): Logger {
  const hidden = new Set<string>();
  const destination = {
    write(line: string): void {
      let json = escaped(line.trimEnd());
      for (const secret of hidden) json = json.replaceAll(secret, CENSOR);
      write(`${format === "text" ? textLine(json) : json}\n`);
    },
  };
  const base = pino(
    {
      level,
      base: null,
      messageKey: "event",
      errorKey: "error",
      timestamp: () => `,"time":"${clock.now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorFields, error: (error) => bounded(error) },
      redact: { paths: SECRETS, censor: CENSOR },
    },
    destination,
  );
  const log = (at: LogLevel, event: string, fields: Fields = {}): void =>
    base[at]({ event, ...(bounded(fields) as Fields) });
  const pace = createPace(clock.after, (event, untold) => log("warn", "log-untold", { of: event, untold }));
  return {
    log,
    paced({ sender, level: at, event, fields = {} }) {
      if (!base.isLevelEnabled(at)) return;
      const untold = pace.allow(event, sender);
      if (untold !== null) log(at, event, untold === 0 ? fields : { ...fields, untold });
    },
    hide(secret) {
      // As it stands inside a line of JSON.
      if (secret !== "") hidden.add(JSON.stringify(secret).slice(1, -1));
    },
    untold: pace.untold,
    library: base.child({}, { level: level === "error" ? "error" : "warn" }),
    close: pace.close,
  };
}
