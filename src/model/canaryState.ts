/**
 * The state of a canary is the server's: whatever a write says of it, the canary stays where it stands, as long as it is the
 * same one; else it starts anew. What the writer may not expect is told by a warning.
 */
import type { Diagnostic } from "../errors/diagnostic.ts";
import { defaults } from "../gen/defaults.ts";
import { type Steps, shouldYield } from "../util/steps.ts";
import { canaryRule } from "./canaryRule.ts";
import { makeResource } from "./snapshot.ts";
import type { Canary, Change, Resource, Route, Snapshot } from "./types.ts";

type State = NonNullable<Canary["state"]>;

/** Where a canary stands; one that was never moved is at its first step. */
export function stateOf(canary: Canary): State {
  return canary.state ?? defaults["canary.state"];
}

/** The canary in that state; undefined: as it is when it starts. */
export function inState(canary: Canary, state: State | undefined): Resource<"canary"> {
  const { state: _, ...body } = canary;
  return makeResource("canary", state === undefined ? body : { ...body, state });
}

/** A write whose canaries stand where they stood, and what is to be said of that. */
export interface CarriedStates {
  /** Those that were given, in their order. */
  readonly changes: readonly Change[];
  /** Canaries that nobody writes, and that another rule comes to by a write of their route. */
  readonly restarted: readonly Change[];
  readonly warnings: readonly Diagnostic[];
}

/** The changes with the states of `before`. */
export function* carryStates(before: Snapshot, changes: readonly Change[]): Steps<CarriedStates> {
  const routes = new Map<string, Route | undefined>();
  const written = new Set<string>();
  for (const [index, { kind, name, resource }] of changes.entries()) {
    if (kind === "route") routes.set(name, resource?.body);
    if (kind === "canary") written.add(name);
    if (shouldYield(index)) yield;
  }
  if (written.size === 0 && (routes.size === 0 || before.canary.size === 0))
    return { changes, restarted: [], warnings: [] };
  const routeNow = (name: string): Route | undefined =>
    routes.has(name) ? routes.get(name) : before.route.get(name)?.body;
  const warnings: Diagnostic[] = [];
  const carried: Change[] = [];
  const carry = (canary: Resource<"canary">): Change => {
    const { name, body } = canary;
    const { state, notes } = carriedState(body, { before, routeNow });
    for (const message of notes) warnings.push(stateWarning(name, message));
    const isThere = body.state === undefined && state === undefined;
    return { kind: "canary", name, resource: isThere ? canary : inState(body, state) };
  };
  for (const [index, change] of changes.entries()) {
    carried.push(change.kind === "canary" && change.resource !== null ? carry(change.resource) : change);
    if (shouldYield(index)) yield;
  }
  const restarted: Change[] = [];
  let index = 0;
  for (const canary of before.canary.values()) {
    if (shouldYield(index++)) yield;
    const { name, body } = canary;
    if (body.state !== undefined && routes.has(body.route) && !written.has(name)) restarted.push(carry(canary));
  }
  return { changes: carried, restarted, warnings };
}

/** Tells the writer what became of a state. */
export function stateWarning(canary: string, message: string): Diagnostic {
  const resource = { kind: "canary", name: canary } as const;
  return { code: "MODEL-CANARY-STATE", severity: "warning", message, resource, pointer: "/state" };
}

/** The models that a canary is looked at in. */
interface Models {
  readonly before: Snapshot;
  readonly routeNow: (name: string) => Route | undefined;
}

/** The state that a canary of a write gets. */
function carriedState(next: Canary, models: Models): { readonly state: State | undefined; readonly notes: string[] } {
  const old = models.before.canary.get(next.name)?.body;
  const present = old?.state;
  const [state, moved] =
    old === undefined || present === undefined ? [undefined, null] : fitted(present, { old, next, models });
  const notes = moved === null ? [] : [moved];
  const now = (state ?? defaults["canary.state"]).step;
  const said = next.state?.step;
  // What was read and is sent again says nothing new.
  if (said !== undefined && said !== now && said !== present?.step) {
    const how = `PUT /v1/canaries/${next.name}/state sets it`;
    notes.push(`the state is the server's: the canary is at step ${now}, and ${said} is not taken; ${how}`);
  }
  return { state, notes };
}

/** The present state as far as the canary after the write admits it, and what has to be said of that. */
function fitted(
  present: State,
  { old, next, models }: { readonly old: Canary; readonly next: Canary; readonly models: Models },
): readonly [State | undefined, string | null] {
  const { step } = present;
  const other = otherCanary(old, next, models);
  if (other !== null)
    return [undefined, step === 0 ? null : `${other}, so the canary starts at step 0; it stood at step ${step}`];
  const last = next.steps.length - 1;
  const kept = step > last ? { ...present, step: last } : present;
  const [weight, before] = [next.steps[kept.step]?.weight, old.steps[step]?.weight];
  if (kept !== present)
    return [
      kept,
      `there are only ${last + 1} steps now: the canary goes from step ${step} to ${last}, of weight ${weight}`,
    ];
  const isSame = weight === before;
  return [kept, isSame ? null : `the canary stands at step ${step}, whose weight is ${weight} now; it was ${before}`];
}

/** Why a canary of the same name is another one: it moves another rule, or moves it to another cluster. Null: it is the same. */
function otherCanary(old: Canary, next: Canary, { before, routeNow }: Models): string | null {
  if (old.canary !== next.canary) return `it moves to another cluster (${next.canary}, not ${old.canary})`;
  const [from, to] = [before.route.get(old.route)?.body, routeNow(next.route)];
  // Refused by the model's rules.
  if (from === undefined || to === undefined) return null;
  return old.route === next.route && isSameRule(ruleAt(old, from), ruleAt(next, to)) ? null : "it moves another rule";
}

interface Place {
  readonly name: string | undefined;
  readonly index: number | null;
}

function ruleAt(canary: Canary, route: Route): Place {
  const index = canaryRule(canary, route);
  return { name: index === null ? undefined : route.rules[index]?.name, index };
}

/** By name when both have one, else by place. */
function isSameRule(a: Place, b: Place): boolean {
  return a.name !== undefined && b.name !== undefined ? a.name === b.name : a.index === b.index;
}
