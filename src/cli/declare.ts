/** The commands: their words, options and defaults. Each is loaded when it runs. */
import { type Command, Option } from "commander";
import type { ProxyKind } from "../ir/index.ts";
import type { ServerOptions } from "./client.ts";
import type { Io } from "./output.ts";
import {
  fleetName,
  folderName,
  type Header,
  headerLine,
  listenAddress,
  method,
  ownerName,
  portNumber,
  type RequestUrl,
  remoteAddress,
  requestUrl,
} from "./values.ts";

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
      .addOption(
        new Option("--data <dir>", "where revisions are kept").env("TRIMTAB_DATA").default(data).argParser(folderName),
      )
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
    .action(async (file: string, { json = false }: Json) => {
      const { validate } = await import("./commands/validate.ts");
      await done(validate(io, { file, json }));
    });
  program
    .command("render <file>")
    .description("write nginx and HAProxy files into DIR/<fleet>/, and remove those of fleets that are gone")
    .addOption(new Option("--target <proxy>", "only fleets of this proxy").choices(["nginx", "haproxy", "envoy"]))
    .requiredOption("-o, --out <dir>", "folder to write to", folderName)
    .option("--json", "print JSON")
    .action(async (file: string, { out, target, json = false }: Json & { out: string; target?: ProxyKind }) => {
      const { render } = await import("./commands/render.ts");
      await done(render(io, { file, target, out, json }));
    });
  program
    .command("bootstrap")
    .description("print the file that an Envoy of a fleet starts with")
    .requiredOption("--fleet <name>", "the fleet to join", fleetName)
    .option("--node-id <id>", "this Envoy's name (default: the machine's)")
    .addOption(
      new Option("--xds <address>", "where the control plane is")
        .env("TRIMTAB_XDS")
        .default(DEFAULT_XDS)
        .argParser(remoteAddress),
    )
    .option("--admin <address>", "Envoy's admin address", listenAddress, "127.0.0.1:9901")
    .option("--json", "print JSON, as without")
    .action(async ({ fleet, nodeId, xds, admin }) => {
      const { bootstrap } = await import("./commands/bootstrap.ts");
      await done(bootstrap(io, { fleet, nodeId, xds, admin }));
    });
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

interface ApplyFlags extends ClientOptions {
  readonly owner?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly message?: string;
  readonly author?: string;
}

/** What decides which resources an apply writes and deletes: the same words for `apply` and for `diff`, which foretells it. */
function withOwner(command: Command): Command {
  return command
    .option("--owner <label>", "also delete what this owner applied before and no longer lists", ownerName)
    .option(
      "--force",
      "also write resources of other owners; they become this owner's, or without --owner stay theirs",
    );
}

/** `diff`, `apply` and `explain`. */
export function addClients(program: Command, io: Io, done: Done): void {
  withOwner(withServer(program.command("diff <file> [other]")))
    .description(
      "what `apply` with the same options would change on the server, or how FILE differs from OTHER; exit 2 when it does",
    )
    .action(async (file: string, other: string | undefined, options: ApplyFlags) => {
      const { diff } = await import("./commands/diff.ts");
      const { owner, force = false } = options;
      await done(diff(io, { file, other, owner, force, ...common(options) }));
    });
  withOwner(withServer(program.command("apply <file>")))
    .description("add a model to the server's: one transaction, one revision; resources that it does not list stay")
    .option("--dry-run", "check only, store nothing")
    .option("--message <text>", "kept with the revision")
    .option("--author <name>", "kept with the revision")
    .action(async (file: string, options: ApplyFlags) => {
      const { apply } = await import("./commands/apply.ts");
      const { dryRun = false, owner, force = false, message, author } = options;
      await done(apply(io, { file, dryRun, owner, force, message, author, ...common(options) }));
    });
  addExplain(program, io, done);
}

interface ExplainFlags extends ClientOptions {
  readonly fleet: string;
  readonly url: RequestUrl;
  readonly method: string;
  readonly port?: number;
  readonly header?: readonly Header[];
}

function addExplain(program: Command, io: Io, done: Done): void {
  withServer(program.command("explain [file]"))
    .description("which rule takes a request, and why the others lost; from FILE, or from the server")
    .requiredOption("--fleet <name>", "whose proxies are asked")
    .requiredOption("--url <url>", "as http://host/path?query", requestUrl)
    .option("--method <method>", "request method", method, "GET")
    .option("--port <port>", "the listener's port; needed when the fleet has several", portNumber)
    .option("-H, --header <line>", "request header `Name: value`; repeat for more", headerLine)
    .action(async (file: string | undefined, options: ExplainFlags) => {
      const { explain } = await import("./commands/explain.ts");
      const { fleet, url, port, header: headers = [] } = options;
      await done(explain(io, { file, fleet, url, port, method: options.method, headers, ...common(options) }));
    });
}
