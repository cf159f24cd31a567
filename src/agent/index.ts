/**
 * The agent: makes a local proxy run what was rendered for its fleet.
 *
 * Input: a fleet's rendered files with their generation and sockets, again and again (nginx, HAProxy); a bootstrap (Envoy, which
 * pulls the rest by xDS); the proxy's own checker as a function. Output: a running proxy that uses them, and its state.
 *
 * Guarantees: a generation is checked first; it is written whole and synced, switched to by one rename, applied by a reload, and
 * counts as served only when the proxy itself tells its name. What a running process can take over (its target finds that) it
 * takes without a reload; should it not have all of it then, it is reloaded. A socket that cannot be opened holds up its listener
 * only: that is left out, or served where it was, under a name that says so, until it can be opened (arrange.ts). When anything else
 * fails the last good generation runs on, `current` names it again, the error says what the proxy said, and the new one is tried again
 * with growing pauses. One apply at a time, at least two seconds after a reload; of those that wait only the newest is applied. A proxy
 * that dies is restarted with a growing pause, also when its run folder is gone or the disk is full. `close` leaves no process behind.
 * What files say is to be probed (ir/probePlan.ts) is probed (`prober/`), and gets nothing while it fails: the files of one generation
 * are written with other endpoints, switched to and proved like any others.
 *
 * Must not: know the model, the compiler, a target or xDS; change a rendered file (its target writes it for another place); touch a
 * process that it did not start.
 */
export { adapters } from "./adapters/index.ts";
export { wholeGeneration } from "./arrange.ts";
export { type BusySocket, busySockets, busyText, socketText } from "./busySockets.ts";
export type { FileAgent, FileAgentOptions } from "./fileAgent.ts";
export { createFileAgent, DEFAULT_TIMING } from "./fileAgent.ts";
export { type FoundProxy, findProxy } from "./findProxy.ts";
export type { AgentTiming } from "./generationSwitch.ts";
export { isFilePath } from "./generations.ts";
export { createLocalProxy, type LocalProxy, type LocalReport, type TargetTools } from "./localProxy.ts";
export type { AppliedCounts } from "./memory.ts";
export type { TakeOutOf } from "./probedEndpoints.ts";
export type { EndpointChange, EndpointDown } from "./prober/types.ts";
export { killLeftovers } from "./processGroup.ts";
export type { RetryPauses } from "./retry.ts";
export type * from "./types.ts";
