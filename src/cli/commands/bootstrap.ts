import { hostname } from "node:os";
import { renderBootstrap } from "../../targets/envoy/bootstrap.ts";
import { EXIT, type Io } from "../output.ts";

export interface BootstrapOptions {
  readonly fleet: string;
  /** Default: the machine's host name. */
  readonly nodeId: string | undefined;
  /** Where Envoy finds the xDS server, as `127.0.0.1:18000`. */
  readonly xds: string;
  /** Envoy's own admin address. */
  readonly admin: string;
}

/** `trimtab bootstrap --fleet F`: the file that an Envoy of the fleet starts with. */
export function bootstrap(io: Io, options: BootstrapOptions): number {
  const { fleet, xds, admin } = options;
  io.out(renderBootstrap({ fleet, nodeId: options.nodeId ?? hostname(), xdsAddress: xds, adminAddress: admin }));
  return EXIT.ok;
}
