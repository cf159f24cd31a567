/** A list of findings in which nothing is said twice. */
import type { Diagnostic } from "../errors/diagnostic.ts";
import { type Steps, shouldYield } from "../util/steps.ts";

/** Fleets that one finding names. */
const MAX_FLEETS = 5;

/**
 * What several fleets of one proxy say of the same place stands once and names the fleets; a warning that many places of one
 * resource have stands at the first of them, with their number. The order stays that of the first of each.
 */
export function* toldOnce(found: readonly Diagnostic[]): Steps<readonly Diagnostic[]> {
  return found.length < 2 ? found : yield* oncePerResource(yield* oncePerFleet(found));
}

/** What a gate's message begins with. */
function prefixOf(fleets: readonly string[]): string {
  const named = fleets.slice(0, MAX_FLEETS).map((name) => JSON.stringify(name));
  const more = fleets.length > MAX_FLEETS ? ` and ${fleets.length - MAX_FLEETS} more` : "";
  return `${fleets.length === 1 ? "fleet" : "fleets"} ${named.join(", ")}${more}: `;
}

function* oncePerFleet(found: readonly Diagnostic[]): Steps<readonly Diagnostic[]> {
  const groups = yield* grouped(found, ({ fleet, ...entry }) =>
    keyOf(entry, fleet === undefined ? entry.message : withoutFleet(entry.message, fleet)),
  );
  return groups.map(([first, ...others]) => {
    const fleets = [...new Set([first, ...others].flatMap(({ fleet }) => fleet ?? []))];
    if (first.fleet === undefined || fleets.length === 1) return first;
    return { ...first, message: prefixOf(fleets) + withoutFleet(first.message, first.fleet) };
  });
}

function* oncePerResource(found: readonly Diagnostic[]): Steps<readonly Diagnostic[]> {
  const groups = yield* grouped(found, (entry) =>
    entry.severity === "warning" && entry.resource !== undefined
      ? keyOf({ ...entry, pointer: "" }, entry.message)
      : keyOf(entry, entry.message),
  );
  return groups.map(([first, ...others]) => {
    const places = others.filter(({ pointer }) => pointer !== first.pointer).length;
    if (places === 0) return first;
    const elsewhere = places === 1 ? "another place" : `${places} other places`;
    return { ...first, message: `${first.message} (and so at ${elsewhere} of this ${first.resource?.kind})` };
  });
}

type Group = readonly [Diagnostic, ...Diagnostic[]];

function* grouped(found: readonly Diagnostic[], key: (entry: Diagnostic) => string): Steps<readonly Group[]> {
  const groups = new Map<string, [Diagnostic, ...Diagnostic[]]>();
  for (const [index, entry] of found.entries()) {
    if (shouldYield(index)) yield;
    const text = key(entry);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [entry]);
    else group.push(entry);
  }
  return [...groups.values()];
}

function keyOf({ severity, code, resource, pointer, proxy }: Diagnostic, message: string): string {
  return JSON.stringify([severity, code, resource?.kind, resource?.name, pointer, proxy, message]);
}

function withoutFleet(message: string, fleet: string): string {
  const prefix = prefixOf([fleet]);
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}
