/** The commands: their words, options and defaults. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ProxyKind } from "../ir/index.ts";
import type { ServerOptions } from "./client.ts";
import { apply } from "./commands/apply.ts";
import { bootstrap } from "./commands/bootstrap.ts";
import { diff } from "./commands/diff.ts";
import { explain, type Header } from "./commands/explain.ts";
import { render } from "./commands/render.ts";
import { validate } from "./commands/validate.ts";
import type { Io } from "./output.ts";

/** Where a control plane keeps its data and listens. */
export interface ServeOptions {
  readonly data: string;
  readonly http: string;
  readonly xds: string;
  readonly apiTokenFile: string | undefined;
}

/** `trimtab dev`: what it runs, and where its sockets go instead. */
export interface DevRunOptions extends ServeOptions {
  readonly file: string;
  /** `OLD=NEW,...` ports of the file. */
  readonly port: string;
  /** `FLEET=ADDRESS,...`. */
  readonly bind: string;
}

/** What main.ts hands in. Both resolve with an exit code when the process is to end. */
export interface Runners {
  readonly serve: (options: ServeOptions) => Promise<number>;
  readonly dev: (options: DevRunOptions) => Promise<number>;
}

const DEFAULT_HTTP = "127.0.0.1:8400";
const DEFAULT_XDS = "127.0.0.1:18000";

type Done = (result: Promise<number> | number) => Promise<void>;

/** `serve` and `dev`. */
export function addServers(program: Command, runners: Runners, done: Done): void {
  const listening = (command: Command, data: string): Command =>
    command
      .addOption(new Option("--data <dir>", "where revisions are kept").env("TRIMTAB_DATA").default(data))
      .addOption(new Option("--http <address>", "where the REST API listens").env("TRIMTAB_HTTP").default(DEFAULT_HTTP))
      .addOption(new Option("--xds <address>", "where Envoys connect").env("TRIMTAB_XDS").default(DEFAULT_XDS))
      .addOption(
        new Option("--api-token-file <file>", "file with the bearer token; needed to listen beyond loopback").env(
          "TRIMTAB_API_TOKEN_FILE",
        ),
      );
  listening(program.command("serve").description("run the control plane"), "trimtab-data").action((options) =>
    done(runners.serve(options)),
  );
  listening(program.command("dev <file>"), ".trimtab/dev")
    .description(
      "run the control plane, echo upstreams and the proxies that are installed, and apply edits of the file",
    )
    .addOption(
      new Option("--port <changes>", "other ports than the file's, as 8080=8081,9000=9001")
        .env("TRIMTAB_PORTS")
        .default("", "none"),
    )
    .addOption(
      new Option("--bind <changes>", "other bind addresses, as FLEET=ADDRESS,...")
        .env("TRIMTAB_BIND")
        .default("", "none"),
    )
    .action((file: string, options) => done(runners.dev({ ...options, file })));
}

interface Json {
  readonly json?: boolean;
}

/** `validate`, `render` and `bootstrap`. */
export function addOffline(program: Command, io: Io, done: Done): void {
  program
    .command("validate <file>")
    .description("check a model: schema, rules, what each proxy cannot do; `-` reads standard input")
    .option("--json", "print JSON")
    .action((file: string, { json = false }: Json) => done(validate(io, { file, json })));
  program
    .command("render <file>")
    .description("write nginx and HAProxy files into DIR/<fleet>/")
    .addOption(new Option("--target <proxy>", "only fleets of this proxy").choices(["nginx", "haproxy", "envoy"]))
    .requiredOption("-o, --out <dir>", "folder to write to")
    .option("--json", "print JSON")
    .action((file: string, options: Json & { out: string; target?: ProxyKind }) =>
      done(render(io, { file, target: options.target, out: options.out, json: options.json ?? false })),
    );
  program
    .command("bootstrap")
    .description("print the file that an Envoy of a fleet starts with")
    .requiredOption("--fleet <name>", "the fleet to join")
    .option("--node-id <id>", "this Envoy's name (default: the machine's)")
    .addOption(new Option("--xds <address>", "where the control plane is").env("TRIMTAB_XDS").default(DEFAULT_XDS))
    .option("--admin <address>", "Envoy's admin address", "127.0.0.1:9901")
    .option("--json", "print JSON, as without")
    .action(({ fleet, nodeId, xds, admin }) => done(bootstrap(io, { fleet, nodeId, xds, admin })));
}

function withServer(command: Command): Command {
  return command
    .addOption(
      new Option("--server <url>", "the control plane").env("TRIMTAB_SERVER").default(`http://${DEFAULT_HTTP}`),
    )
    .addOption(new Option("--token-file <file>", "file with the bearer token").env("TRIMTAB_TOKEN_FILE"))
    .option("--json", "print JSON");
}

interface ClientOptions extends Json {
  readonly server: string;
  readonly tokenFile?: string;
}

function common({ server, tokenFile, json = false }: ClientOptions): { server: ServerOptions; json: boolean } {
  return { server: { url: server, tokenFile }, json };
}

/** `diff`, `apply` and `explain`. */
export function addClients(program: Command, io: Io, done: Done): void {
  withServer(program.command("diff <file> [other]"))
    .description("how the model in FILE differs from the server's, or from the one in OTHER; exit 2 when it does")
    .action((file: string, other: string | undefined, options: ClientOptions) =>
      done(diff(io, { file, other, ...common(options) })),
    );
  withServer(program.command("apply <file>"))
    .description("add a model to the server's: one transaction, one revision; objects that it does not list stay")
    .option("--dry-run", "check only, store nothing")
    .option("--owner <label>", "also delete what this owner applied before and no longer lists")
    .option("--message <text>", "kept with the revision")
    .option("--author <name>", "kept with the revision")
    .action(
      (
        file: string,
        options: ClientOptions & { dryRun?: boolean; owner?: string; message?: string; author?: string },
      ) => {
        const { dryRun = false, owner, message, author } = options;
        return done(apply(io, { file, dryRun, owner, message, author, ...common(options) }));
      },
    );
  addExplain(program, io, done);
}

interface ExplainFlags extends ClientOptions {
  readonly fleet: string;
  readonly url: string;
  readonly method: string;
  readonly port?: number;
  readonly header?: readonly Header[];
}

function addExplain(program: Command, io: Io, done: Done): void {
  withServer(program.command("explain [file]"))
    .description("which rule takes a request, and why the others lost; from FILE, or from the server")
    .requiredOption("--fleet <name>", "whose proxies are asked")
    .requiredOption("--url <url>", "as http://host/path?query")
    .option("--method <method>", "request method", method, "GET")
    .option("--port <port>", "the listener's port; needed when the fleet has several", portNumber)
    .option("-H, --header <line>", "request header `Name: value`; repeat for more", headerLine)
    .action((file: string | undefined, options: ExplainFlags) => {
      const { fleet, url, port, header: headers = [] } = options;
      return done(explain(io, { file, fleet, url, port, method: options.method, headers, ...common(options) }));
    });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) throw new InvalidArgumentError("It is not a port.");
  return port;
}

/** As the server takes it; methods have letter case (RFC 9110, section 9.1). */
function method(text: string): string {
  if (!/^[A-Z]{1,32}$/.test(text)) throw new InvalidArgumentError("Methods are upper case, as GET.");
  return text;
}

function headerLine(line: string, before: readonly Header[] = []): readonly Header[] {
  const [, name, value = ""] = /^([!#$%&'*+.^_`|~\w-]+):(.*)$/.exec(line) ?? [];
  if (name === undefined) throw new InvalidArgumentError("Write it as `Name: value`.");
  return [...before, [name, value.trim()]];
}
