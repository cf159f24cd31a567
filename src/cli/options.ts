/** Options that several commands have. */
import { type Command, Option } from "commander";
import { LOG_FORMATS, LOG_LEVELS, type LogLevel } from "../log/words.ts";
import { DEFAULT_MEMORY } from "../model/bounds.ts";
import type { ServerOptions } from "./client.ts";
import { fileName, fleetFiles, folderName, listenAddress, memorySize, ownerName } from "./values.ts";

const DEFAULT_HTTP = "127.0.0.1:8400";
/** Where Envoys find the control plane when nobody says otherwise. */
export const DEFAULT_XDS = "127.0.0.1:18000";

/** Of every command with `--json`. */
export interface JsonFlag {
  readonly json?: boolean;
}

/** Where `serve` keeps its data when nobody says otherwise. */
export const DEFAULT_DATA = "trimtab-data";

/** The data directory; `data` is the default. */
export function withData(command: Command, data: string): Command {
  return command.addOption(
    new Option("--data <dir>", "where revisions are kept").env("TRIMTAB_DATA").default(data).argParser(folderName),
  );
}

/** What differs between commands that run a control plane. */
interface PlaneDefaults {
  readonly data: string;
  readonly logLevel: LogLevel;
}

/** Of commands that run a control plane. */
export function withListening(command: Command, { data, logLevel }: PlaneDefaults): Command {
  return withLog(withData(command, data), logLevel)
    .addOption(
      new Option("--http <address>", "where the REST API listens")
        .env("TRIMTAB_HTTP")
        .default(DEFAULT_HTTP)
        .argParser(listenAddress),
    )
    .addOption(
      new Option("--xds <address>", "where Envoys connect")
        .env("TRIMTAB_XDS")
        .default(DEFAULT_XDS)
        .argParser(listenAddress),
    )
    .addOption(
      new Option("--api-token-file <file>", "file with the bearer token; needed to listen beyond loopback").env(
        "TRIMTAB_API_TOKEN_FILE",
      ),
    )
    .addOption(
      new Option("--metrics-token-file <file>", "file with a bearer token that can read /metrics and nothing else")
        .env("TRIMTAB_METRICS_TOKEN_FILE")
        .argParser(fileName),
    )
    .addOption(
      new Option(
        "--agent-token-file <[fleet=]file>",
        "file with a bearer token for agents (of this fleet), which get files and report; may be given several times",
      )
        .env("TRIMTAB_AGENT_TOKEN_FILE")
        .argParser(fleetFiles),
    )
    .addOption(withSecretKey())
    .addOption(
      new Option(
        "--certificates-dir <dir>",
        "folder of folders with tls.crt and tls.key, or fullchain.pem and privkey.pem: certificates, written when these change",
      )
        .env("TRIMTAB_CERTIFICATES_DIR")
        .argParser(folderName),
    )
    .option("--xds-insecure", "let whoever reaches the xDS port pull every fleet; needed beyond loopback without TLS");
}

/** The key of secrets. */
export function withSecretKey(): Option {
  return new Option(
    "--secret-key-file <file>",
    "key that seals secrets: 32 bytes, or these in base64 (default: secret-key in the data directory, made when it is not there)",
  )
    .env("TRIMTAB_SECRET_KEY_FILE")
    .argParser(fileName);
}

/** What is logged, and how. */
export function withLog(command: Command, level: LogLevel): Command {
  return command
    .addOption(
      new Option("--log-format <format>", "lines on standard error (default: text on a terminal, json elsewhere)")
        .env("TRIMTAB_LOG_FORMAT")
        .choices(LOG_FORMATS),
    )
    .addOption(
      new Option("--log-level <level>", "the least that is logged")
        .env("TRIMTAB_LOG_LEVEL")
        .choices(LOG_LEVELS)
        .default(level),
    );
}

/** Of `serve`: what secures its ports. */
export function withTls(command: Command): Command {
  const file = (name: string, what: string): Option =>
    new Option(`--${name} <file>`, what).env(`TRIMTAB_${name.toUpperCase().replaceAll("-", "_")}`).argParser(fileName);
  return command
    .addOption(file("http-tls-cert", "certificate of the REST API (PEM, with its chain); read again when it changes"))
    .addOption(file("http-tls-key", "its key"))
    .addOption(file("http-tls-client-ca", "authorities of the certificates that clients must show, beside the token"))
    .addOption(file("xds-tls-cert", "certificate of the xDS port (PEM, with its chain); read again when it changes"))
    .addOption(file("xds-tls-key", "its key"))
    .addOption(file("xds-tls-client-ca", "authorities of the certificates that Envoys must show"));
}

/** Of `serve`: how large the model may be. */
export function withMemoryLimit(command: Command): Command {
  return command.addOption(
    new Option("--memory-limit <size>", "memory to stay below, as 2GiB; larger models are refused, in proportion")
      .env("TRIMTAB_MEMORY_LIMIT")
      .default(DEFAULT_MEMORY, "2GiB")
      .argParser(memorySize),
  );
}

/** What `withServer` reads. */
export interface ServerFlags extends JsonFlag {
  readonly server: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Of commands that ask a server, and print JSON for machines. */
export function withServer(command: Command): Command {
  return withConnection(command).option("--json", "print JSON");
}

/** Which server to ask, and as whom. */
export function withConnection(command: Command): Command {
  return command
    .addOption(
      new Option("--server <url>", "the control plane").env("TRIMTAB_SERVER").default(`http://${DEFAULT_HTTP}`),
    )
    .addOption(new Option("--token-file <file>", "file with the bearer token").env("TRIMTAB_TOKEN_FILE"))
    .addOption(
      new Option("--ca <file>", "authorities of an https server (PEM), instead of the system's")
        .env("TRIMTAB_CA")
        .argParser(fileName),
    )
    .addOption(
      new Option("--cert <file>", "certificate (PEM) for a server that asks for one")
        .env("TRIMTAB_CLIENT_CERT")
        .argParser(fileName),
    )
    .addOption(new Option("--key <file>", "its key").env("TRIMTAB_CLIENT_KEY").argParser(fileName));
}

/** The server that the flags name. */
export function serverOf({ server, tokenFile, ca, cert, key }: ServerFlags): ServerOptions {
  return { url: server, tokenFile, tls: { ca, cert, key } };
}

/** What `withOwner` reads. */
export interface OwnerFlags {
  readonly owner?: string;
  readonly force?: boolean;
}

/** What decides which resources an apply writes and deletes: the same words for `apply` and for `diff`, which foretells it. */
export function withOwner(command: Command): Command {
  return command
    .option("--owner <label>", "write as this owner; also delete what it applied before and no longer lists", ownerName)
    .option(
      "--force",
      "also write resources of other owners; they become this owner's, or without --owner stay theirs",
    );
}
