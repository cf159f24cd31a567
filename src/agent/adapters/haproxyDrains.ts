/** Ends what endpoints that get nothing new still have, when the time of their backend is over. */
import { readFile } from "node:fs/promises";
import type { DrainPlan } from "../../ir/index.ts";

/** A server that gets nothing new and has sessions. */
export interface HeldServer {
  readonly backend: string;
  readonly server: string;
}

/** Which commands are due, of all servers that are held now. Time counts from the first look that sees one. */
export type DrainEnds = (held: readonly HeldServer[]) => Promise<readonly string[]>;

/** `planFile`: that of what runs. `now`: milliseconds of a clock that only goes forward. */
export function createDrainEnds(planFile: string, now = (): number => performance.now()): DrainEnds {
  const since = new Map<string, number>();
  return async (held) => {
    const names = new Set(held.map(nameOf));
    for (const name of since.keys()) if (!names.has(name)) since.delete(name);
    for (const name of names) if (!since.has(name)) since.set(name, now());
    const groups = held.length === 0 ? {} : await groupsOf(planFile);
    const isDue = (each: HeldServer): boolean =>
      now() - (since.get(nameOf(each)) ?? now()) >= (groups[each.backend] ?? Number.POSITIVE_INFINITY);
    return held.filter(isDue).map((each) => `shutdown sessions server ${nameOf(each)}`);
  };
}

function nameOf({ backend, server }: HeldServer): string {
  return `${backend}/${server}`;
}

/** Most fleets have no such file. */
async function groupsOf(planFile: string): Promise<DrainPlan["groups"]> {
  const text = await readFile(planFile, "utf8").catch(() => null);
  return text === null ? {} : (JSON.parse(text) as DrainPlan).groups;
}
