/** How a fleet's proxies run as processes, defaults filled in. */
export interface ProcessIr {
  /** How many CPUs it works on; null: all. */
  readonly workers: number | null;
  /** Connections that a change or a stop would end go on for so long. Whole seconds, 1 s to 1 h. */
  readonly shutdownGraceMs: number;
}

/**
 * The schema's defaults. A minute: what Envoys of ours always had, longer than nearly every request, and as long as the usual limit on
 * silence; so only streams that never end are cut by it.
 */
export const USUAL_PROCESS: ProcessIr = Object.freeze({ workers: null, shutdownGraceMs: 60_000 });
