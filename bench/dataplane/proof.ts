/** Proves that two configurations do the same: a figure of unlike things says nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import { CASES, type Probe, REFUSED, requestOf, VARIANTS } from "./cases.ts";
import { type Answer, askOnce, Connection, parseAnswer } from "./http.ts";
import type { Serving } from "./serving.ts";
import type { Side } from "./sides.ts";
import { BREAK, BREAK_ONCE, type Seen, startEcho } from "./upstreams.ts";

/** Requests of which a split's shares are read: one standard deviation of 90 % is one point. */
const SPLIT_REQUESTS = 1_000;
/** Share of the first cluster that is still 90 %: five standard deviations. */
const SPLIT_SHARE = { least: 0.85, most: 0.95 };
/** What a proxy says about the connection, the moment or itself; the length says what the body says. */
const OF_THE_MOMENT = /^(?:date|connection|keep-alive|server|content-length)$/;

/** Which endpoint a new client gets is no difference. */
const OWN_COOKIE = /SRV="?[A-Za-z0-9+/=]+"?/;
/** Longer than two probes are apart. */
const PROBED_MS = 30_000;
const POLL_MS = 100;

const brokenOff: Probe = { name: "an endpoint breaks off", target: `/cart?${BREAK}`, status: 502 };
const nobodyThere: Probe = { name: "no endpoint listens", target: "/cart", status: 503 };

/**
 * Every difference between the sides, and between each of them and what must come. `more`: what only these sides have. The upstreams'
 * ports must be free.
 */
export async function prove(sides: readonly Serving[], more: readonly Probe[] = []): Promise<readonly string[]> {
  const [first] = sides;
  if (first === undefined) return [];
  const problems: string[] = [];
  const probe = async (one: Probe): Promise<void> => {
    const seen = await Promise.all(sides.map(async (serving) => view(serving.side, one)));
    for (const [index, serving] of sides.entries()) {
      const { wrong, text } = seen[index] as View;
      const label = `${first.side.proxy.name}, ${serving.side.name}: ${one.name}`;
      if (wrong !== null) problems.push(`${label}: ${wrong}`);
      else if (seen[0]?.wrong === null)
        problems.push(...differences(text, seen[0].text).map((what) => `${label}: ${what}`));
    }
  };
  await probe(nobodyThere);
  const echo = await startEcho(first.side.upstreams);
  try {
    for (const one of more.filter(({ status }) => status < 500))
      await Promise.all(sides.map(({ side }) => untilServed(side, one)));
    for (const one of [...CASES, ...VARIANTS, ...REFUSED, ...more, brokenOff]) await probe(one);
    for (const serving of sides) problems.push(...(await splitProblems(serving.side)));
  } finally {
    await echo.stop();
  }
  return problems;
}

/** Endpoints that are probed are there a while after they are. */
async function untilServed(side: Side, probe: Probe): Promise<void> {
  for (let waited = 0; waited < PROBED_MS; waited += POLL_MS) {
    const { status } = await askOnce(side, requestOf(probe));
    if (status === probe.status) return;
    await sleep(POLL_MS);
  }
}

export interface View {
  /** What can be compared, a line each. */
  readonly text: readonly string[];
  /** Why it is not what must come. */
  readonly wrong: string | null;
}

/** Lines that only one of two has, in words. */
export function differences(own: readonly string[], others: readonly string[]): readonly string[] {
  const only = (lines: readonly string[], rest: readonly string[]): string[] =>
    lines.filter((line) => !rest.includes(line)).map((line) => JSON.stringify(line));
  const [more, less] = [only(own, others), only(others, own)];
  if (more.length + less.length === 0) return own.length === others.length ? [] : ["a line comes twice"];
  return [`it has ${more.join(", ") || "nothing"} where the first has ${less.join(", ") || "nothing"}`];
}

/** What a side makes of a request. */
export async function view(side: Side, asked: Probe): Promise<View> {
  const probe = ofSide(asked, side);
  const answer = await askOnce(side, requestOf(probe)).catch((error: Error) => error);
  if (answer instanceof Error) return { text: [], wrong: answer.message };
  if (answer.status !== probe.status) return { text: [], wrong: `${answer.status} instead of ${probe.status}` };
  // Fields and body of a 400 are not promised: parsers answer in their own words.
  if (answer.status === 400) return { text: [], wrong: null };
  // The fields of a rule whose upstream fails are not part of the bench.
  if (answer.status > 500) return { text: [answer.body], wrong: null };
  const seen = probe.upstream === undefined ? null : (JSON.parse(answer.body) as Seen);
  const text = [...fieldsView(side, answer), ...(seen === null ? [answer.body] : upstreamView(side, probe, seen))];
  const own = onceOf(side);
  return {
    text: text.map((line) => line.replace(own, BREAK_ONCE)),
    wrong: seen === null ? null : wrongUpstream(side, probe, seen),
  };
}

/** What is broken off once, is so once for each side. */
function ofSide(probe: Probe, side: Side): Probe {
  return { ...probe, target: probe.target.replace(BREAK_ONCE, onceOf(side)) };
}

function onceOf({ port }: Side): string {
  return `${BREAK_ONCE}-${port}`;
}

function wrongUpstream(side: Side, probe: Probe, seen: Seen): string | null {
  const { upstream = "", target, path = target } = probe;
  const cluster = clusterOf(side, seen.port);
  if (!upstream.split(" or ").includes(cluster)) return `it went to ${cluster} instead of ${upstream}`;
  return seen.path === path ? null : `the upstream saw ${seen.path} instead of ${path}`;
}

function fieldsView(side: Side, answer: Answer): readonly string[] {
  const place = `:${side.port}/`;
  return answer.fields
    .filter(([name]) => !OF_THE_MOMENT.test(name))
    .map(([name, value]) => `${name}: ${value.replace(place, ":LISTENER/").replace(OWN_COOKIE, "SRV=ENDPOINT")}`)
    .sort();
}

/** Lines of X-Forwarded-For are one list, however it is written. Of a split's clusters any is right. */
function upstreamView(side: Side, probe: Probe, seen: Seen): readonly string[] {
  const isForwarded = (line: string): boolean => line.startsWith("x-forwarded-for: ");
  const forwarded = seen.fields.filter(isForwarded).map((line) => line.slice("x-forwarded-for: ".length));
  const others = seen.fields.filter((line) => !isForwarded(line) && !OF_THE_MOMENT.test(line.split(":", 1)[0] ?? ""));
  const cluster = probe.upstream?.includes(" or ") === true ? "any" : clusterOf(side, seen.port);
  const list = forwarded.join(",").replaceAll(" ", "");
  const request = [`to ${cluster}`, `${seen.method} ${seen.path}`, `x-forwarded-for: ${list}`, ...others.sort()];
  return request.map((line) => `upstream sees ${line}`);
}

function clusterOf(side: Side, port: number): string {
  return Object.entries(side.upstreams).find(([, own]) => own === port)?.[0] ?? String(port);
}

async function splitProblems(side: Side): Promise<readonly string[]> {
  const split = CASES.find(({ name }) => name === "split") as Probe;
  const connection = await Connection.open(side);
  let blue = 0;
  for (let count = 0; count < SPLIT_REQUESTS; count++) {
    const { body } = parseAnswer(await connection.ask(requestOf(split)));
    if ((JSON.parse(body) as Seen).port === side.upstreams.blue) blue++;
  }
  connection.close();
  const share = blue / SPLIT_REQUESTS;
  const isRight = share >= SPLIT_SHARE.least && share <= SPLIT_SHARE.most;
  return isRight
    ? []
    : [`${side.proxy.name}, ${side.name}: the split gives ${share} instead of 0.9 to its first cluster`];
}
