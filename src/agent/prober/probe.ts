/** One probe, by the type of its check. */
import type { HealthCheckIr } from "../../ir/index.ts";
import { probeGrpc } from "./grpc.ts";
import { probeHttp } from "./http.ts";
import { probeTcp } from "./tcp.ts";
import type { Probe } from "./types.ts";

const PROBES: Readonly<Record<HealthCheckIr["kind"], Probe>> = { tcp: probeTcp, http: probeHttp, grpc: probeGrpc };

/** Asks at the check's own port where it has one. */
export const probe: Probe = ({ address, port }, check) =>
  PROBES[check.kind]({ address, port: check.port ?? port }, check);
