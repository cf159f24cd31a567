/**
 * The command line room.
 *
 * Input: argv and environment. Output: text for people or JSON, and an exit code. Guarantee: offline commands need no server
 * and say what the server would say; every problem carries file, line and column. It has no rules of its own, and the two
 * commands that run a control plane (`serve`, `dev`) are handed in by main.ts.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import type { ServerOptions } from "./client.ts";
import { apply } from "./commands/apply.ts";
import { bootstrap } from "./commands/bootstrap.ts";
import { diff } from "./commands/diff.ts";
import { explain } from "./commands/explain.ts";
import { render } from "./commands/render.ts";
import { validate } from "./commands/validate.ts";
import { EXIT, type Io } from "./output.ts";

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

/** Runs one command; gives its exit code. */
export async function runProgram(
  argv: readonly string[],
  context: { readonly io: Io; readonly runners: Runners; readonly version: string },
): Promise<number> {
  const { io, runners, version } = context;
  let code: number = EXIT.ok;
  const done = async (result: Promise<number> | number): Promise<void> => {
    code = await result;
  };
  const program = new Command("trimtab")
    .description("A load-balancer control plane: one model, the same observable behaviour on Envoy, nginx and HAProxy.")
    .version(version)
    .showHelpAfterError()
    .configureOutput({ writeOut: io.out, writeErr: io.err });

  addServers(program, runners, done);
  addOffline(program, io, done);
  addClients(program, io, done);
  await program.parseAsync([...argv], { from: "user" });
  return code;
}

type Done = (result: Promise<number> | number) => Promise<void>;

function addServers(program: Command, runners: Runners, done: Done): void {
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
        .default(""),
    )
    .addOption(
      new Option("--bind <changes>", "other bind addresses, as FLEET=ADDRESS,...").env("TRIMTAB_BIND").default(""),
    )
    .action((file: string, options) => done(runners.dev({ ...options, file })));
}

function addOffline(program: Command, io: Io, done: Done): void {
  program
    .command("validate <file>")
    .description("check a model: schema, rules, what each proxy cannot do")
    .option("--json", "print JSON", false)
    .action((file: string, { json }) => done(validate(io, { file, json })));
  program
    .command("render <file>")
    .description("write nginx and HAProxy files into DIR/<fleet>/")
    .addOption(new Option("--target <proxy>", "only fleets of this proxy").choices(["nginx", "haproxy", "envoy"]))
    .requiredOption("-o, --out <dir>", "folder to write to")
    .option("--json", "print JSON", false)
    .action((file: string, { target, out, json }) => done(render(io, { file, target, out, json })));
  program
    .command("bootstrap")
    .description("print the file that an Envoy of a fleet starts with")
    .requiredOption("--fleet <name>", "the fleet to join")
    .option("--node-id <id>", "this Envoy's name (default: the machine's)")
    .addOption(new Option("--xds <address>", "where the control plane is").env("TRIMTAB_XDS").default(DEFAULT_XDS))
    .option("--admin <address>", "Envoy's admin address", "127.0.0.1:9901")
    .action(({ fleet, nodeId, xds, admin }) => done(bootstrap(io, { fleet, nodeId, xds, admin })));
}

function withServer(command: Command): Command {
  return command
    .addOption(
      new Option("--server <url>", "the control plane").env("TRIMTAB_SERVER").default(`http://${DEFAULT_HTTP}`),
    )
    .addOption(new Option("--token-file <file>", "file with the bearer token").env("TRIMTAB_TOKEN_FILE"))
    .option("--json", "print JSON", false);
}

function serverOf(options: { server: string; tokenFile?: string }): ServerOptions {
  return { url: options.server, tokenFile: options.tokenFile };
}

function addClients(program: Command, io: Io, done: Done): void {
  withServer(program.command("diff <file> [other]"))
    .description("what FILE would change on the server, or in the file OTHER; exit 2 when there is a difference")
    .action((file: string, other: string | undefined, options) =>
      done(diff(io, { file, other, server: serverOf(options), json: options.json })),
    );
  withServer(program.command("apply <file>"))
    .description("send a model to the server: one transaction, one revision")
    .option("--dry-run", "check only", false)
    .option("--owner <label>", "delete what this owner applied before and no longer lists")
    .option("--message <text>", "kept with the revision")
    .option("--author <name>", "kept with the revision")
    .action((file: string, options) => done(apply(io, { ...options, file, server: serverOf(options) })));
  withServer(program.command("explain [file]"))
    .description("which rule takes a request, and why the others lost; from FILE, or from the server")
    .requiredOption("--fleet <name>", "whose proxies are asked")
    .requiredOption("--url <url>", "as http://host/path?query")
    .option("--method <method>", "request method", "GET")
    .option("--port <port>", "the listener's port; needed when the fleet has several", portNumber)
    .option(
      "-H, --header <line>",
      "request header `Name: value`; repeat for more",
      (line: string, list: string[]) => [...list, line],
      [],
    )
    .action((file: string | undefined, options) =>
      done(
        explain(io, {
          file,
          server: serverOf(options),
          fleet: options.fleet,
          port: options.port,
          method: options.method,
          url: options.url,
          headers: options.header,
          json: options.json,
        }),
      ),
    );
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new InvalidArgumentError("not a port");
  return port;
}
