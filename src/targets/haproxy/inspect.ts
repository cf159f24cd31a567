/** What no single field can show: unequal weights, levels of backups, limits cut short, expressions that HAProxy cannot match safely. */
import type { FleetIr, PortIr, RuleIr } from "../../ir/index.ts";
import { tooManyLevels } from "../backupLevels.ts";
import { inspectDrains } from "../drainTimeout.ts";
import { backtrackingRegexes } from "../regexFindings.ts";
import type { Finding } from "../target.ts";
import { unequalWeights } from "../unequalWeights.ts";
import { withinSilence } from "./capabilities.ts";
import { inspectClients } from "./clientAuthenticationSupport.ts";
import { clientSilenceMs } from "./clientTimeouts.ts";
import { leastRequest } from "./cluster/balance.ts";
import { inspectBodyRegex } from "./cluster/bodyRegex.ts";
import { inspectInitialState } from "./cluster/initialState.ts";
import { inspectLimits } from "./cluster/limits.ts";
import { inspectOutlierDetection } from "./cluster/outlierDetection.ts";
import { inspectBackends } from "./cluster/retry.ts";
import { inspectClusterTls } from "./cluster/tlsSupport.ts";
import { inspectHttp3 } from "./http3Support.ts";
import { inspectRetry } from "./policies/retry.ts";
import { inspectProxyProtocol } from "./proxyProtocol.ts";
import { fleetVersion } from "./version.ts";

/** Errors and warnings about the fleet's clusters and listeners. */
export function inspect(ir: FleetIr): readonly Finding[] {
  return [
    ...unequalWeights(ir.clusters, leastRequest, ["leastRequest"]),
    ...tooManyLevels(ir.clusters),
    ...inspectOutlierDetection(ir.clusters),
    ...inspectInitialState(ir.clusters, fleetVersion(ir)),
    ...inspectBodyRegex(ir.clusters),
    ...inspectLimits(ir),
    ...inspectDrains(ir),
    ...ir.ports.flatMap(cutShort),
    ...inspectBackends(ir),
    ...inspectProxyProtocol(ir),
    ...inspectClusterTls(ir),
    ...inspectClients(ir),
    ...inspectHttp3(ir),
  ];
}

/** Errors about one rule. */
export function inspectRule(rule: RuleIr): readonly Finding[] {
  return [...backtrackingRegexes(rule, "HAProxy"), ...inspectRetry(rule)];
}

/** Limits of a listener that another one ends before their time. */
function cutShort(port: PortIr): readonly Finding[] {
  if (port.kind !== "http") return [];
  const { headersMs, keepAliveMs } = port.clientTimeouts;
  if (Math.max(headersMs, keepAliveMs) <= clientSilenceMs(port.clientTimeouts)) return [];
  const { code, approximated } = withinSilence;
  const field = keepAliveMs > clientSilenceMs(port.clientTimeouts) ? "keepAliveTimeout" : "headersTimeout";
  return port.listeners.map((name) => ({
    code,
    severity: "warning",
    message: `${field} ${approximated}`,
    resource: { kind: "listener", name },
    pointer: "/http",
  }));
}
