import { beforeEach, describe, expect, test } from "vitest";
import { createProber, FIRST_ROUND_MS, type Prober } from "./index.ts";
import { check, plan, type TestClock, testClock } from "./testSupport.ts";
import type { EndpointChange } from "./types.ts";
import { judged, UNKNOWN, type Verdict } from "./verdict.ts";

describe("verdict", () => {
  /** `+` a probe that passes, `-` one that fails; gives the state after each. */
  const run = (probes: string, rise: number, fall: number): string => {
    let verdict: Verdict = UNKNOWN;
    return [...probes]
      .map((said) => {
        verdict = judged(verdict, said === "+", { rise, fall });
        return verdict.health[0];
      })
      .join("");
  };

  test.each([
    { probes: "+", rise: 3, fall: 3, states: "u" },
    { probes: "-+++", rise: 3, fall: 3, states: "dddu" },
    { probes: "+---", rise: 2, fall: 3, states: "uuud" },
    { probes: "+--+--+---", rise: 2, fall: 3, states: "uuuuuuuuud" },
    { probes: "-+-++", rise: 2, fall: 3, states: "ddddu" },
    { probes: "+-+-", rise: 1, fall: 1, states: "udud" },
  ])("$probes with rise $rise and fall $fall: $states", ({ probes, rise, fall, states }) => {
    expect(run(probes, rise, fall)).toBe(states);
  });
});

describe("prober", () => {
  let clock: TestClock;
  let prober: Prober;
  let changes: EndpointChange[];
  let moved: number;
  let probed: number[];
  /** By port, why probes fail; a port that is not there: they never end. */
  let answers: Map<number, string | null>;

  beforeEach(() => {
    [clock, changes, moved, probed, answers] = [testClock(), [], 0, [], new Map()];
    prober = createProber({
      clock,
      onMoved: () => {
        moved += 1;
      },
      onChange: (change) => changes.push(change),
      probe: ({ port }) => {
        probed.push(port);
        const answer = answers.get(port);
        return answer === undefined ? new Promise(() => undefined) : Promise.resolve(answer);
      },
    });
  });

  const downPorts = (...ports: number[]): readonly number[] => prober.down(plan(ports)).map(({ port }) => port);

  test("an endpoint gets nothing before its first probe has passed, and the first round is waited for", async () => {
    answers.set(1, null).set(2, "status 500");
    prober.watch([plan([1, 2])]);
    expect(downPorts(1, 2)).toEqual([1, 2]);
    const over = prober.firstRound();
    await clock.advance(1);
    await over;
    expect(prober.down(plan([1, 2]))).toMatchObject([{ cluster: "shop", port: 2, reason: "status 500" }]);
    expect(changes).toMatchObject([{ kind: "endpoint-down", port: 2 }]);
    expect(moved).toBe(1);
  });

  test("with `initial: up` a new endpoint serves until a probe fails, and is not waited for", async () => {
    const own = plan([1, 2], check({ initial: "up" }));
    prober.watch([own]);
    await prober.firstRound();
    expect(prober.down(own)).toEqual([]);
    answers.set(1, null).set(2, "status 500");
    prober.watch([]);
    prober.watch([own]);
    await clock.advance(1);
    expect(prober.down(own)).toMatchObject([{ port: 2, reason: "status 500" }]);
    expect(moved).toBe(1);
  });

  test("who does not answer is waited for a while only", async () => {
    prober.watch([plan([1])]);
    let over = false;
    void prober.firstRound().then(() => {
      over = true;
    });
    await clock.advance(FIRST_ROUND_MS - 1);
    expect(over).toBe(false);
    await clock.advance(2);
    expect(over).toBe(true);
    expect(prober.down(plan([1]))).toMatchObject([{ port: 1, reason: null }]);
  });

  test("goes and comes by fall and rise, and each change is told once", async () => {
    answers.set(1, null);
    prober.watch([plan([1])]);
    await clock.advance(1_500);
    answers.set(1, "the connection was refused");
    await clock.advance(5_000);
    answers.set(1, null);
    await clock.advance(5_000);
    expect(changes.map(({ kind }) => kind)).toEqual(["endpoint-down", "endpoint-up"]);
    expect(moved).toBe(3);
    expect(downPorts(1)).toEqual([]);
  });

  test("what is known keeps its state when plans change, also with another check, which counts anew and asks at once", async () => {
    answers.set(1, null).set(2, "status 500");
    prober.watch([plan([1, 2])]);
    await clock.advance(100);
    probed = [];
    prober.watch([plan([1, 2, 3], check({ timeoutMs: 499 }))]);
    expect(downPorts(1, 2, 3)).toEqual([2, 3]);
    await clock.advance(0);
    expect(probed.sort()).toEqual([1, 2, 3]);
    probed = [];
    prober.watch([plan([1, 2, 3], check({ timeoutMs: 499 })), plan([4], check({ timeoutMs: 499 }))]);
    await clock.advance(0);
    expect(probed).toEqual([4]);
  });

  test("of those that are watched no more nothing is known, and a probe under way changes nothing", async () => {
    answers.set(1, null);
    prober.watch([plan([1])]);
    await clock.advance(0);
    prober.watch([]);
    expect(downPorts(1)).toEqual([1]);
    await clock.advance(5_000);
    expect(probed).toEqual([1]);
    expect(clock.pending()).toBe(0);
  });
});
