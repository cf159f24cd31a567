import { hostname } from "node:os";
import { Option } from "commander";
import type { TlsOptions } from "../../targets/envoy/bootstrap.ts";
import type { Declaration } from "../command.ts";
import { DEFAULT_XDS } from "../options.ts";
import { EXIT, type Io } from "../output.ts";
import { fileName, fleetName, listenAddress, remoteAddress, serverName } from "../values.ts";

interface BootstrapFlags {
  readonly fleet: string;
  /** Default: the machine's host name. */
  readonly nodeId?: string;
  /** Where Envoy finds the xDS server, as `127.0.0.1:18000`. */
  readonly xds: string;
  /** Envoy's own admin address. */
  readonly admin: string;
  /** PEM files as Envoy finds them; all of them or none. */
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly tlsServerName?: string;
  readonly tlsSecret?: string;
  readonly printSecret?: boolean;
  /** Files of the model. */
  readonly printArguments?: readonly string[];
  readonly printLauncher?: readonly string[];
}

/** `trimtab bootstrap --fleet F`: the file that an Envoy of the fleet starts with. */
export const bootstrap: Declaration = (program, { io, done }) => {
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
    .addOption(new Option("--tls-cert <file>", "Envoy's certificate (PEM), where Envoy finds it").argParser(fileName))
    .addOption(new Option("--tls-key <file>", "its key").argParser(fileName))
    .addOption(new Option("--tls-ca <file>", "authorities of the control plane's certificate").argParser(fileName))
    .addOption(
      new Option(
        "--tls-server-name <name>",
        "DNS name, address or URI that the control plane's certificate must say (default: the host of --xds)",
      ).argParser(serverName),
    )
    .addOption(
      new Option(
        "--tls-secret <file>",
        "where Envoy finds what --print-secret prints; it then takes a new certificate without a restart",
      ).argParser(fileName),
    )
    .option("--print-secret", "print the file that --tls-secret names, not the bootstrap")
    .option(
      "--print-arguments <model...>",
      "print what else to start this fleet's Envoys with: `process` of the model's fleet",
    )
    .option(
      "--print-launcher <model...>",
      "print what to start them by: the CPUs and open files of that `process` (empty: nothing)",
    )
    .option("--json", "print JSON, as without")
    .action((flags: BootstrapFlags) => done(run(io, flags)));
};

async function run(io: Io, flags: BootstrapFlags): Promise<number> {
  const { fleet, nodeId = hostname(), xds, admin } = flags;
  const { renderBootstrap, renderSecret } = await import("../../targets/envoy/bootstrap.ts");
  const { printArguments, printLauncher } = flags;
  if (printArguments !== undefined) return printWords(io, fleet, { paths: printArguments, words: "envoyArguments" });
  if (printLauncher !== undefined) return printWords(io, fleet, { paths: printLauncher, words: "envoyLauncher" });
  const tls = tlsOf(flags);
  if (flags.printSecret !== true) {
    io.out(renderBootstrap({ fleet, nodeId, xdsAddress: xds, adminAddress: admin, tls }));
    return EXIT.ok;
  }
  if (tls === null) throw new Error("--print-secret needs --tls-cert, --tls-key and --tls-ca");
  io.out(renderSecret(tls));
  return EXIT.ok;
}

interface Words {
  /** Files of the model. */
  readonly paths: readonly string[];
  readonly words: "envoyArguments" | "envoyLauncher";
}

/** On one line, as a shell takes them apart. */
async function printWords(io: Io, fleet: string, { paths, words }: Words): Promise<number> {
  const [{ loadModel }, { loadJudges }, envoyProcess] = await Promise.all([
    import("../offline.ts"),
    import("../../targets/registry.ts"),
    import("../../targets/envoy/process.ts"),
  ]);
  const { title, compiled } = await loadModel(paths, loadJudges);
  if (compiled === null) throw new Error(`${title} is not valid; trimtab validate says why`);
  const ir = compiled.fleets.get(fleet);
  if (ir === undefined || compiled.pipeline.gives(ir, "files"))
    throw new Error(`${title} has no fleet ${JSON.stringify(fleet)} that pulls`);
  io.out(`${envoyProcess[words](ir.process).join(" ")}\n`);
  return EXIT.ok;
}

/** Without an authority Envoy would trust anybody who answers at the address, so it is not left away. */
function tlsOf(flags: BootstrapFlags): TlsOptions | null {
  const { tlsCert: cert, tlsKey: key, tlsCa: ca, tlsServerName: serverName, tlsSecret: secretFile } = flags;
  if ([cert, key, ca, serverName, secretFile].every((flag) => flag === undefined)) return null;
  if (cert === undefined || key === undefined || ca === undefined)
    throw new Error("--tls-cert, --tls-key and --tls-ca go together (--tls-server-name and --tls-secret with them)");
  return { cert, key, ca, serverName, secretFile };
}
