/** Plays situations on the three proxies, all at once. */
import type { ProxyKind } from "../../ir/index.ts";
import { answerOk, type Sight } from "./backend.ts";
import { Client } from "./client.ts";
import { PATIENCE_MS, type Situation } from "./situation.ts";
import { KINDS, type Stand } from "./stand.ts";

/** What came of a situation on one proxy. */
export interface Result {
  /** What the client saw: as `Seen` says it. */
  readonly seen: string;
  /** From the begin of the last pause to what was seen. */
  readonly milliseconds: number;
  /** What the endpoint saw. */
  readonly endpoint: string;
}

/** By proxy. */
export type Row = Readonly<Record<ProxyKind, Result>>;

/** So many heavy ones are played at once, on all proxies. */
const HEAVY_AT_ONCE = 2;

/** Plays all: first those in which few bytes are sent, together. */
export async function playAll(stand: Stand, situations: readonly Situation[]): Promise<readonly Row[]> {
  const rows = new Map<Situation, Row>();
  const playOn = async (situation: Situation): Promise<void> => {
    const index = situations.indexOf(situation);
    const results = await Promise.all(KINDS.map((proxy) => play(stand, { situation, proxy, index })));
    rows.set(situation, Object.fromEntries(KINDS.map((proxy, at) => [proxy, results[at]])) as Row);
  };
  await Promise.all(situations.filter(({ isHeavy }) => !isHeavy).map(playOn));
  const heavy = situations.filter(({ isHeavy }) => isHeavy);
  for (let at = 0; at < heavy.length; at += HEAVY_AT_ONCE)
    await Promise.all(heavy.slice(at, at + HEAVY_AT_ONCE).map(playOn));
  return situations.map((situation) => rows.get(situation) as Row);
}

interface Playing {
  readonly situation: Situation;
  readonly proxy: ProxyKind;
  readonly index: number;
}

async function play({ backend, placeOf }: Stand, { situation, proxy, index }: Playing): Promise<Result> {
  const { prefix, ...place } = placeOf(situation, proxy);
  const path = `${prefix}/${index}-${proxy}`;
  backend.expect(path, situation.backend ?? answerOk);
  const client = await Client.open(place);
  await situation.client(client, path);
  if (situation.watchesEnd) await client.closed(PATIENCE_MS);
  else await client.answer(PATIENCE_MS);
  const isClosed = situation.watchesEnd === true && client.isClosed;
  const { what, milliseconds } = client.finish();
  return { seen: isClosed ? `${what} closed` : what, milliseconds, endpoint: sightText(backend.sightOf(path)) };
}

function sightText(sight: Sight | undefined): string {
  if (sight === undefined) return "nothing";
  if (sight.isWhole) return "whole request";
  return `a part${sight.closedAt === null ? "" : ", closed"}`;
}
