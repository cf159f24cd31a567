/** What an agent knows of its proxy. */
import type { Arrangement } from "./arrange.ts";
import type { AgentFiles, Applied } from "./types.ts";

/** What an agent knows of its proxy. */
export interface Memory {
  /** What was asked for last, of what was begun. */
  wanted: AgentFiles | null;
  /** Proved, and its process lives: the name of what runs, which may be a part of a generation. */
  serving: string | null;
  /** Proved once: what a failed apply goes back to. */
  good: Arrangement | null;
  /** The generation of the last event that said that one serves. */
  told: string | null;
  applyError: string | null;
  /** What `applyError` is about. */
  failed: string | null;
  deathError: string | null;
  /** How often files were not taken and the process died. */
  failures: number;
  applying: boolean;
  /** What the process has, all of it and nothing else; null: that is being changed, or not known. */
  loaded: AgentFiles | null;
  /** How it came to have that. */
  applied: Applied | null;
  /** Why it was reloaded although its change is one for the running process; null: it was not. */
  runtimeError: string | null;
  /** How often it was told to reload, and changed in the running process. */
  reloads: number;
  runtimeChanges: number;
  /** The next apply has to wait, for this one did more than look or change the running process. */
  needsGap: boolean;
  /** Which run of `proveRestart` is the newest: older ones end. */
  proving: number;
  closed: boolean;
  /** The proxy printed that it refused the reload under way. */
  reloadRefused: boolean;
}

/** Since the beginning. */
export interface AppliedCounts {
  /** The last; null: nothing runs yet. */
  readonly applied: Applied | null;
  readonly reloads: number;
  readonly runtimeChanges: number;
}

/** Of a proxy that was never started. */
export function newMemory(): Memory {
  return {
    wanted: null,
    serving: null,
    good: null,
    told: null,
    applyError: null,
    failed: null,
    deathError: null,
    failures: 0,
    applying: false,
    loaded: null,
    applied: null,
    runtimeError: null,
    reloads: 0,
    runtimeChanges: 0,
    needsGap: true,
    proving: 0,
    closed: false,
    reloadRefused: false,
  };
}

/** It was proved. */
export function nowServes(memory: Memory, next: Arrangement, applied: Applied): void {
  memory.serving = next.files.generation;
  memory.good = next;
  memory.loaded = next.files;
  memory.applied = applied;
}

/** Its process is gone, by itself or because somebody killed it. */
export function died(memory: Memory, reason: string): void {
  memory.serving = null;
  memory.loaded = null;
  memory.failures += 1;
  memory.deathError = reason;
}

/** How the proxy came to run what it does. */
export function countsOf({ applied, reloads, runtimeChanges }: Memory): AppliedCounts {
  return { applied, reloads, runtimeChanges };
}
