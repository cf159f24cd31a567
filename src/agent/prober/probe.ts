/** One probe, by the type of its check. */
import type { HealthCheckIr } from "../../ir/index.ts";
import { probeGrpc } from "./grpc.ts";
import { probeHttp } from "./http.ts";
import { probeHttp2 } from "./http2.ts";
import { probeTcp } from "./tcp.ts";
import type { Probe } from "./types.ts";

const probeAnyHttp: Probe = (at, check, tls) =>
  (check.http?.protocol === "http2" ? probeHttp2 : probeHttp)(at, check, tls);

const PROBES: Readonly<Record<HealthCheckIr["kind"], Probe>> = { tcp: probeTcp, http: probeAnyHttp, grpc: probeGrpc };

/** Asks at the check's own port where it has one. */
export const probe: Probe = ({ address, port }, check, tls) =>
  PROBES[check.kind]({ address, port: check.port ?? port }, check, tls);
