import { hostname } from "node:os";
import { Option } from "commander";
import type { Declaration } from "../command.ts";
import { DEFAULT_XDS } from "../options.ts";
import { EXIT, type Io } from "../output.ts";
import { fleetName, listenAddress, remoteAddress } from "../values.ts";

interface BootstrapFlags {
  readonly fleet: string;
  /** Default: the machine's host name. */
  readonly nodeId?: string;
  /** Where Envoy finds the xDS server, as `127.0.0.1:18000`. */
  readonly xds: string;
  /** Envoy's own admin address. */
  readonly admin: string;
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
    .option("--json", "print JSON, as without")
    .action((flags: BootstrapFlags) => done(run(io, flags)));
};

async function run(io: Io, { fleet, nodeId = hostname(), xds, admin }: BootstrapFlags): Promise<number> {
  const { renderBootstrap } = await import("../../targets/envoy/bootstrap.ts");
  io.out(renderBootstrap({ fleet, nodeId, xdsAddress: xds, adminAddress: admin }));
  return EXIT.ok;
}
