/** What a command is to the program. */
import type { Command } from "commander";
import type { LogFormat, LogLevel } from "../log/words.ts";
import type { Io } from "./output.ts";

/** Where a control plane keeps its data and listens. */
export interface ServeOptions {
  readonly data: string;
  readonly http: string;
  readonly xds: string;
  readonly apiTokenFile: string | undefined;
  /** A token that can read `/metrics` only. */
  readonly metricsTokenFile?: string;
  /** Files with tokens of agents, each as `FILE` or `FLEET=FILE`. */
  readonly agentTokenFile?: readonly string[];
  /** The key that seals secrets. Undefined: a file in the data directory, made when there is none. */
  readonly secretKeyFile?: string;
  /** A folder with certificates in files, which are written when they change. */
  readonly certificatesDir?: string;
  /** Default: text on a terminal, JSON elsewhere. */
  readonly logFormat?: LogFormat;
  readonly logLevel: LogLevel;
  /** Bytes of memory that the server stays below; the model's bounds follow from it. Default: 2 GiB. */
  readonly memoryLimit?: number;
  /** PEM files of the API's port; certificate and key, or neither. With authorities clients must show a certificate too. */
  readonly httpTlsCert?: string;
  readonly httpTlsKey?: string;
  readonly httpTlsClientCa?: string;
  /** PEM files of the xDS port; all of them or none. */
  readonly xdsTlsCert?: string;
  readonly xdsTlsKey?: string;
  readonly xdsTlsClientCa?: string;
  /** Plaintext xDS also beyond loopback. */
  readonly xdsInsecure?: boolean;
}

/** `trimtab dev`: what it runs, and where its sockets go instead. */
export interface DevRunOptions extends ServeOptions {
  readonly file: string;
  /** `OLD=NEW,...` ports of the file. */
  readonly port: string;
  /** `FLEET=ADDRESS,...`. */
  readonly bind: string;
  /** The port of a host inside TLS. */
  readonly https?: number;
}

/** `trimtab agent`: which proxies it runs, and for whom. */
export interface AgentOptions {
  readonly fleet: readonly string[];
  readonly server: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly name: string;
  readonly runDir: string;
  /** Milliseconds. */
  readonly interval: number;
  readonly logFormat?: LogFormat;
  readonly logLevel: LogLevel;
}

/** What program.ts hands in. All resolve with an exit code when the process is to end. */
export interface Runners {
  readonly serve: (options: ServeOptions) => Promise<number>;
  readonly dev: (options: DevRunOptions) => Promise<number>;
  readonly agent: (options: AgentOptions) => Promise<number>;
}

/** What a command works with. */
export interface CommandContext {
  readonly io: Io;
  readonly runners: Runners;
  /** Takes the command's exit code. */
  readonly done: (result: Promise<number> | number) => Promise<void>;
}

/** Adds one command: its words, options and defaults. What it needs to run is loaded when it runs. */
export type Declaration = (program: Command, context: CommandContext) => void;
