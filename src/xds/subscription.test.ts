import { describe, expect, it } from "vitest";
import { finish } from "../util/steps.ts";
import { NO_NAMES } from "./decode.ts";
import { createNameSets } from "./nameSets.ts";
import { openSubscription, type Subscription } from "./subscription.ts";
import { applyDeltaSteps, applySotwSteps } from "./subscriptionNames.ts";
import type { FirstRequest } from "./subscriptionStart.ts";
import { CLUSTER, ENDPOINT, resource, viewOf } from "./testing.ts";
import type { XdsResource } from "./types.ts";
import { EMPTY_VIEW, nextView, type TypeView } from "./view.ts";

function typeView(...names: string[]): TypeView {
  const resources = names.map((name) => resource(CLUSTER, name));
  return nextView(EMPTY_VIEW, viewOf(...resources).get(CLUSTER) ?? new Map<string, XdsResource>());
}

/** The bytes of `resource_names` fields. */
function raw(names: readonly string[]): Buffer {
  return Buffer.concat(names.map((name) => Buffer.concat([Buffer.from([0x1a, name.length]), Buffer.from(name)])));
}

/** A first request of a node that nothing is known of. */
function firstRequest(legacyWildcard: boolean): FirstRequest {
  const nothing = (): undefined => undefined;
  const known = { at: nothing, find: nothing, isOwed: null };
  return { legacyWildcard, ...known, returning: false, version: "", gone: new Map() };
}
const first = firstRequest(true);
const rest = { nameSets: createNameSets(), sendsParting: () => false };

/** Names that the subscription covers, `*` first. */
function covers(sub: Subscription): string[] {
  return [...(sub.wildcard ? ["*"] : []), ...[...sub.names].sort()];
}

describe("state of the world: what a sequence of name lists means", () => {
  it.each([
    { title: "empty first: everything", lists: [[]], result: ["*"] },
    { title: "the protocol's example", lists: [[], ["*", "A"], ["A"], []], result: [] },
    { title: "an empty list after names is nothing", lists: [["A"], []], result: [] },
    { title: "a legacy wildcard ends with the first name", lists: [[], ["A"]], result: ["A"] },
    { title: "an explicit wildcard", lists: [["*"]], result: ["*"] },
    { title: "a wildcard later", lists: [["A"], ["A", "*"]], result: ["*", "A"] },
    {
      title: "the list replaces",
      lists: [
        ["A", "B"],
        ["B", "C"],
      ],
      result: ["B", "C"],
    },
  ])("$title", ({ lists, result }) => {
    const sub = openSubscription({ typeUrl: CLUSTER, delta: false, fullState: true });
    for (const [index, names] of lists.entries()) {
      const request = { rawNames: raw(names), version: "" };
      finish(applySotwSteps(sub, request, { view: typeView("A"), first: index === 0 ? first : null, ...rest }));
    }
    expect(covers(sub)).toEqual(result);
  });

  it("takes an empty first list of other types for nothing", () => {
    const sub = openSubscription({ typeUrl: ENDPOINT, delta: false, fullState: false });
    const request = { rawNames: raw([]), version: "" };
    finish(applySotwSteps(sub, request, { view: typeView("A"), first: firstRequest(false), ...rest }));
    expect(covers(sub)).toEqual([]);
    expect(sub.mustAnswer).toBe(false);
  });

  it.each([
    { title: "a wildcard with the current version has everything", names: [], known: true, due: false },
    { title: "a wildcard with another version gets everything", names: [], known: false, due: true },
    { title: "names are never trusted", names: ["A"], known: true, due: true },
    { title: "a wildcard with names is not trusted either", names: ["*", "A"], known: true, due: true },
  ])("on reconnect, $title", ({ names, known, due }) => {
    const view = typeView("A");
    const sub = openSubscription({ typeUrl: CLUSTER, delta: false, fullState: true });
    finish(
      applySotwSteps(sub, { rawNames: raw(names), version: known ? view.version : "other" }, { view, first, ...rest }),
    );
    expect(sub.mustAnswer || sub.pending.size > 0 || sub.base !== view.resources).toBe(due);
  });
});

describe("delta: what a sequence of changes means", () => {
  const step = (subscribe: string[], unsubscribe: string[] = []): [string[], string[]] => [subscribe, unsubscribe];
  it.each([
    { title: "empty first: everything", steps: [step([])], result: ["*"] },
    { title: "the protocol's example, half way", steps: [step([]), step(["A"])], result: ["*", "A"] },
    { title: "without the wildcard", steps: [step([]), step(["A"]), step([], ["*"])], result: ["A"] },
    { title: "to the end", steps: [step([]), step(["A"]), step([], ["*"]), step([], ["A"])], result: [] },
    { title: "a legacy wildcard ends when named", steps: [step([]), step([], ["*"])], result: [] },
    { title: "nothing at all", steps: [step(["*"], ["*"])], result: [] },
    { title: "unknown names go away quietly", steps: [step(["A"]), step([], ["B"])], result: ["A"] },
    { title: "deletion wins", steps: [step(["A", "B"], ["A"])], result: ["B"] },
  ])("$title", ({ steps, result }) => {
    const sub = openSubscription({ typeUrl: CLUSTER, delta: true, fullState: false });
    for (const [index, [subscribe, unsubscribe]] of steps.entries()) {
      const context = { view: typeView("A"), first: index === 0 ? first : null, ...rest };
      finish(applyDeltaSteps(sub, { rawSubscribe: raw(subscribe), unsubscribe, rawVersions: NO_NAMES }, context));
    }
    expect(covers(sub)).toEqual(result);
  });
});
