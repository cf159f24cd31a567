/**
 * The dev room: `trimtab dev`, the local run.
 *
 * Input: a model file and the proxies that are installed. Output: a control plane on loopback, echo upstreams, running
 * proxies, and a table of what happens. Guarantee: every child ends with it; edits of the file are applied or told. It never
 * knows how a proxy is configured: the targets and the agent do.
 */
export { parseOverrides } from "./config.ts";
export { devControlPlane } from "./controlPlane.ts";
export { runDev } from "./runDev.ts";
export { stopOnSignals } from "./stopOnSignals.ts";
