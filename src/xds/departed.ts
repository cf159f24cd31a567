/**
 * What a group's view has lost of one type, as it was last. A node may keep for a while what refers to it, or come back with it, and then
 * it can still be given what goes with that.
 */
import { MAX_DEPARTED } from "./limits.ts";
import type { XdsResource } from "./types.ts";
import type { Diff, ResourceMap } from "./view.ts";

/** The last resources that went. */
export interface Departed {
  /** The view changed from `before`: what it lost is remembered, the oldest forgotten when there is too much, and what came back. */
  note(diff: Diff, before: ResourceMap, now: number): void;
  /** As it was last; undefined: the view has it, never had it, or that is too long ago. */
  get(name: string): XdsResource | undefined;
  /** What went at that time (monotonic milliseconds) or later. */
  since(time: number): readonly (readonly [string, XdsResource])[];
}

/** Nothing has gone yet. */
export function createDeparted(): Departed {
  // Oldest first.
  const gone = new Map<string, { readonly resource: XdsResource; readonly at: number }>();
  return {
    note({ changed, removed }, before, now) {
      if (gone.size > 0) for (const name of changed) gone.delete(name);
      for (const name of removed) {
        gone.delete(name);
        gone.set(name, { resource: before.get(name)!, at: now });
      }
      for (const oldest of gone.keys()) {
        if (gone.size <= MAX_DEPARTED) return;
        gone.delete(oldest);
      }
    },
    get: (name) => gone.get(name)?.resource,
    since(time) {
      const late: (readonly [string, XdsResource])[] = [];
      for (const [name, { resource, at }] of gone) if (at >= time) late.push([name, resource]);
      return late;
    },
  };
}
