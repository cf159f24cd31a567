/**
 * kill -9 of the server in the middle of writes and applies, again and again: every acknowledged revision is there after the
 * restart, no apply is there in part, and Envoy answers every request all the while. `TRIMTAB_E2E_KILLS` sets how often; 40 take
 * about a minute, nearly all of it starts of the server.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { call, must } from "../harness/api.ts";
import { markerHost } from "../harness/model.ts";
import { askOwn, type Own, ownAddress, saying, startOwn, stopOwn } from "../harness/own.ts";
import { until } from "../harness/process.ts";
import { killProgram, startProgram } from "../harness/program.ts";
import { openConnection } from "../harness/rawHttp.ts";

const KILLS = Number(process.env.TRIMTAB_E2E_KILLS ?? 40);
/** A start of the server, some writes and the kill; generous for a loaded machine. */
const PER_KILL_MS = 5_000;
const WRITERS = 4;
/** The kill comes at a random moment after the writers began. */
const LONGEST_LIFE_MS = 250;
const RECONNECT_MS = 60_000;

let own: Own;

beforeAll(async () => {
  own = await startOwn();
});
afterAll(() => stopOwn(own));

interface Acknowledged {
  readonly name: string;
  readonly body: string;
  readonly revision: number;
}

/** Writes one route after another until the server is gone; gives what was acknowledged, in order. */
async function write(writer: number, round: number): Promise<Acknowledged[]> {
  const acknowledged: Acknowledged[] = [];
  for (let count = 0; ; count++) {
    const name = `w${writer}-${count % 5}`;
    const body = `round ${round} write ${count}`;
    try {
      const answer = await call(own.program.api, `PUT /v1/routes/${name}`, {
        body: saying(name, `${name}.example`, body),
      });
      if (answer.status >= 300) throw new Error(`refused: ${answer.text}`);
      acknowledged.push({ name, body, revision: answer.json.revision });
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("refused")) throw error;
      return acknowledged;
    }
  }
}

/** What one apply writes: all of these have the same body, or the apply is torn. */
const APPLIED = Array.from({ length: 10 }, (_, index) => `applied-${index}`);

/** Applies one document after another until the server is gone; gives what was acknowledged, in order. */
async function apply(round: number): Promise<Acknowledged[]> {
  const acknowledged: Acknowledged[] = [];
  for (let count = 0; ; count++) {
    const body = `round ${round} write ${count}`;
    const routes = APPLIED.map((name) => saying(name, `${name}.example`, body));
    try {
      const answer = await call(own.program.api, "POST /v1/config/apply", { body: { routes } });
      if (answer.status >= 300) throw new Error(`refused: ${answer.text}`);
      acknowledged.push(...APPLIED.map((name) => ({ name, body, revision: answer.json.revision })));
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("refused")) throw error;
      return acknowledged;
    }
  }
}

/** Sends requests to Envoy without a pause until told to stop; gives their number and every failure. */
function load(): { stop: () => Promise<{ sent: number; failures: string[] }> } {
  let on = true;
  const run = async (): Promise<{ sent: number; failures: string[] }> => {
    const failures: string[] = [];
    let sent = 0;
    const kept = await openConnection({ address: ownAddress, port: own.port });
    while (on) {
      // One on the kept connection, one on a new one.
      for (const attempt of [() => kept.request({ path: "/", host: markerHost }), () => askOwn(own, markerHost)]) {
        sent += 1;
        const told = await attempt().then(({ status, body }) => `${status} ${body}`, String);
        if (told !== "200 marker") failures.push(told);
      }
      await sleep(5);
    }
    kept.close();
    return { sent, failures };
  };
  const running = run();
  return {
    stop: () => {
      on = false;
      return running;
    },
  };
}

it(`${KILLS} kills lose no acknowledged write and no request`, {
  timeout: KILLS * PER_KILL_MS + RECONNECT_MS,
}, async () => {
  const started = Date.now();
  const traffic = load();
  const newest = new Map<string, Acknowledged>();
  let total = 0;
  for (let round = 0; round < KILLS; round++) {
    const writers = [apply(round), ...Array.from({ length: WRITERS }, (_, writer) => write(writer, round))];
    await sleep(Math.random() * LONGEST_LIFE_MS);
    await killProgram(own.program);
    const acknowledged = (await Promise.all(writers)).flat();
    for (const entry of acknowledged) newest.set(entry.name, entry);
    total += acknowledged.length;

    own.program = await startProgram(own.serveOptions);
    const { json } = await must(own.program.api, "GET /v1/config");
    const stored = new Map<string, string>(
      // biome-ignore lint/suspicious/noExplicitAny: documents of the API
      json.routes.map((route: any) => [route.name, route.rules[0].respond.body]),
    );
    expect(new Set(APPLIED.map((name) => stored.get(name))).size, `no apply before kill ${round} is torn`).toBe(1);
    for (const { name, body } of newest.values()) {
      const have = stored.get(name) ?? "nothing";
      // A write whose answer the kill cut off may be stored: then the next one of that name, never an older one.
      expect(order(have), `${name} after kill ${round}: ${have}, acknowledged ${body}`).toBeGreaterThanOrEqual(
        order(body),
      );
    }
    for (const { name, revision } of acknowledged) {
      const { json: told } = await must(own.program.api, `GET /v1/revisions/${revision}`);
      expect(told.changes.map((change: { resource: string }) => change.resource)).toContain(`routes/${name}`);
    }
  }
  const last = saying("last", "last.example", "after all kills");
  await must(own.program.api, "PUT /v1/routes/last", { body: last });
  await until(
    "Envoy follows again",
    async () => ((await askOwn(own, "last.example")).body === "after all kills" ? true : null),
    {
      timeoutMs: RECONNECT_MS,
    },
  );
  const { sent, failures } = await traffic.stop();
  console.log(
    `${KILLS} kills in ${Date.now() - started} ms: ${total} acknowledged writes, ${sent} requests, ${failures.length} failed`,
  );
  expect(total).toBeGreaterThan(KILLS);
  expect(failures).toEqual([]);
});

function order(body: string): number {
  const [, round, count] = /^round (\d+) write (\d+)$/.exec(body) ?? [];
  return round === undefined ? -1 : Number(round) * 1e6 + Number(count);
}
