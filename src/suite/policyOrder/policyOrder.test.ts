/**
 * The order of decision 15 on real proxies: a request that breaks two policies gets the answer of the earlier one, on all three
 * and whatever the rule does. The configurations beside this file are written by hand, so the proof needs no renderer.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, type Ask, KINDS, type Kind, type Stand, send, startStand } from "./testProxies.ts";

/** The limit of every rule: this many requests of one `X-Client`. */
const BURST = 2;
const ORIGIN = "https://ok.test";
const LONG_BODY = "x".repeat(11);
const SETTLE_MS = 300;

/** Policies that answer by themselves, in their order: what breaks them, and their answer. */
const REFUSALS = {
  webSocket: { status: 403, broken: (ask) => fields(ask, UPGRADE) },
  access: { status: 403, broken: (ask) => ({ ...ask, from: "127.0.0.2" }) },
  cors: {
    status: 200,
    broken: (ask) => fields({ ...ask, method: "OPTIONS" }, { "access-control-request-method": "PUT" }),
  },
  rateLimit: { status: 429, broken: (ask) => ask },
  auth: { status: 401, broken: (ask) => fields(ask, { "x-key": "", authorization: "" }) },
  fault: { status: 503, broken: (ask) => ({ ...ask, path: "/broken/" }) },
  bodyLimit: { status: 413, broken: (ask) => ({ ...ask, method: ask.method ?? "POST", body: LONG_BODY }) },
} satisfies Record<string, { status: number; broken: (ask: Ask) => Ask }>;
type Refusal = keyof typeof REFUSALS;

const ORDER = Object.keys(REFUSALS) as Refusal[];
const UPGRADE = { upgrade: "websocket", connection: "upgrade", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
const GOOD = { "x-key": "secret", "x-need": "1", origin: ORIGIN };
const PASSWORD = { authorization: `Basic ${btoa("u:p")}` };
/** An upgrade and a source that is denied get the same answer; HAProxy takes `Upgrade` off requests with a body. */
const UNSEEN = ["webSocket access", "webSocket bodyLimit"];

const pairs = ORDER.flatMap((first, at) => ORDER.slice(at + 1).map((second) => ({ first, second }))).filter(
  ({ first, second }) => !UNSEEN.includes(`${first} ${second}`),
);

let clients = 0;

function fields(ask: Ask, more: Readonly<Record<string, string>>): Ask {
  return { ...ask, headers: { ...ask.headers, ...more } };
}

/** A request that breaks nothing, of a client that nobody has seen. A password only where it is asked for: caches mind it. */
function good(path: string): Ask {
  clients += 1;
  const password = /^\/(?:basic|need)\//.test(path) ? PASSWORD : {};
  return { path, headers: { ...GOOD, ...password, "x-client": `client-${clients}` } };
}

/** Sends a request that breaks these policies. */
async function breaking(stand: Stand, path: string, broken: readonly Refusal[]): Promise<Answer> {
  const ask = good(path);
  if (broken.includes("rateLimit")) for (let sent = 0; sent < BURST; sent++) await send(stand.port, ask);
  return await send(
    stand.port,
    broken.reduce((changed, name) => REFUSALS[name].broken(changed), ask),
  );
}

describe.each(KINDS)("%s", (kind) => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await startStand(kind);
  });
  afterAll(async () => {
    await stand.stop();
  });

  test.each(pairs)("$first answers before $second", async ({ first, second }) => {
    for (const path of ["/key/", "/basic/"]) {
      const { status } = await breaking(stand, path, [first, second]);
      expect({ path, status }).toEqual({ path, status: REFUSALS[first].status });
    }
  });

  test("and so they do when the length of the body is not told", async () => {
    for (const first of ORDER.slice(1, -1)) {
      const ask = REFUSALS[first].broken({ ...good("/key/"), method: "POST" });
      if (first === "rateLimit") for (let sent = 0; sent < BURST; sent++) await send(stand.port, ask);
      const { status } = await send(stand.port, { ...ask, body: LONG_BODY, isChunked: true });
      expect({ first, status }).toEqual({ first, status: REFUSALS[first].status });
    }
    const { status } = await send(stand.port, { ...good("/key/"), body: LONG_BODY, isChunked: true });
    expect(status).toBe(413);
  });

  const beforeAction = pairs.filter((pair) => [pair.first, pair.second].every((name) => isForAnyAction(name)));
  test.each([
    { path: "/moved/", action: 302 },
    { path: "/said/", action: 200 },
  ])("all that can refuse does so before $path answers with $action", async ({ path, action }) => {
    expect((await breaking(stand, path, [])).status).toBe(action);
    for (const name of ORDER.filter(isForAnyAction)) {
      expect((await breaking(stand, path, [name])).status, name).toBe(REFUSALS[name].status);
    }
    for (const { first, second } of beforeAction) {
      expect((await breaking(stand, path, [first, second])).status, `${first} ${second}`).toBe(REFUSALS[first].status);
    }
  });

  test.each(ORDER.filter((name) => name !== "rateLimit"))("a request that %s answers", async (name) => {
    const ask = good("/key/");
    for (let sent = 0; sent < BURST; sent++) await send(stand.port, REFUSALS[name].broken(ask));
    const isCounted = ORDER.indexOf(name) > ORDER.indexOf("rateLimit");
    expect((await send(stand.port, ask)).status, isCounted ? "takes a token" : "takes none").toBe(
      isCounted ? 429 : 200,
    );
  });

  test("auth: requireHeader before basic, which alone asks for a password", async () => {
    const asked = async (more: Record<string, string>) => {
      const { status, headers } = await send(stand.port, fields(good("/need/"), more));
      return [status, headers["www-authenticate"] !== undefined];
    };
    expect(await asked({ "x-need": "", authorization: "" })).toEqual([401, false]);
    expect(await asked({ "x-need": "" })).toEqual([401, false]);
    expect(await asked({ authorization: "" })).toEqual([401, true]);
    expect(await asked({})).toEqual([200, false]);
  });

  test("policies see the client's path and fields, the backend the rewritten ones", async () => {
    const { status, seen } = await send(stand.port, good("/key/a?q"));
    expect([status, seen?.url, seen?.headers["x-key"], seen?.headers["x-client"]]).toEqual([
      200,
      "/inner/a?q",
      "taken",
      "taken",
    ]);
  });

  test("changes of answers reach every answer, and those of cors what comes after it", async () => {
    for (const name of ORDER) {
      const { headers } = await breaking(stand, "/key/", [name]);
      const isAfterCors = ORDER.indexOf(name) >= ORDER.indexOf("cors");
      expect([name, headers["x-answered"], headers["access-control-allow-origin"]]).toEqual([
        name,
        "yes",
        isAfterCors ? ORIGIN : undefined,
      ]);
    }
    for (const path of ["/key/", "/moved/", "/said/"]) {
      expect((await send(stand.port, good(path))).headers["x-answered"], path).toBe("yes");
      expect((await breaking(stand, path, ["auth"])).headers["x-answered"], path).toBe("yes");
    }
  });

  test("a preflight of another origin is answered too, without a field of cors", async () => {
    const ask = fields({ ...good("/key/"), method: "OPTIONS" }, { "access-control-request-method": "PUT" });
    const { status, headers } = await send(stand.port, fields(ask, { origin: "https://else.test", "x-key": "" }));
    expect([status, headers["access-control-allow-origin"]]).toEqual([200, undefined]);
  });

  test("compression comes after changes of answers: it weakens an ETag of theirs", async () => {
    const { headers } = await send(stand.port, fields(good("/key/"), { "accept-encoding": "gzip" }));
    expect([headers["content-encoding"], headers.etag]).toEqual(["gzip", 'W/"mine"']);
  });

  test("cache: behind all that refuses, by the client's path, before changes of answers", async () => {
    const get = (path: string) => send(stand.port, good(path));
    const first = await get("/cached/v1/a");
    const hit = await get("/cached/v1/a");
    const other = await get("/cached/v2/a");
    expect(hit.headers["x-served"]).toBe(first.headers["x-served"]);
    expect(other.headers["x-served"]).not.toBe(first.headers["x-served"]);
    expect([first, hit].map(({ headers }) => [headers["x-answered"], headers["cache-control"]])).toEqual([
      ["yes", "private"],
      ["yes", "private"],
    ]);
    for (const name of ["access", "rateLimit", "auth"] as const) {
      expect((await breaking(stand, "/cached/v1/a", [name])).status, name).toBe(REFUSALS[name].status);
    }
    const zipped = await send(stand.port, fields(good("/cached/v1/a"), { "accept-encoding": "gzip" }));
    expect([zipped.headers["content-encoding"], zipped.headers["x-served"]]).toEqual([
      "gzip",
      first.headers["x-served"],
    ]);
  });

  test.skipIf(kind === "haproxy")("external: asked behind rateLimit, with the client's path and fields", async () => {
    await breaking(stand, "/external/", ["access"]);
    await breaking(stand, "/external/", ["cors"]);
    expect(stand.asked).toEqual([]);
    await breaking(stand, "/external/a?q", ["rateLimit"]);
    expect(stand.asked.map(({ url, headers }) => [url, headers["x-key"]])).toEqual(
      Array(BURST).fill(["/external/a?q", "secret"]),
    );
    expect((await breaking(stand, "/external/", ["auth", "bodyLimit"])).status).toBe(401);
  });

  test.skipIf(kind === "haproxy")("mirror: copies what is forwarded, as it is forwarded", async () => {
    for (const name of ["access", "cors", "rateLimit", "auth", "bodyLimit"] as const) {
      await breaking(stand, `/copied/${name}`, [name]);
    }
    await send(stand.port, good("/copied/a?q"));
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const copies = stand.copies.map(({ url, headers }) => [url, headers["x-key"]]);
    const ofGood = [...Array(BURST).fill("/inner/rateLimit"), "/inner/a?q"].map((url) => [url, "taken"]);
    expect(copies).toEqual(ofGood);
  });
});

function isForAnyAction(name: Refusal): boolean {
  return !["cors", "fault", "bodyLimit"].includes(name);
}

describe("the proof notices a swapped order", () => {
  const block = (from: string, to: string) => new RegExp(`(  # ${from}[^]*?)(  # ${to}[^]*?)(?=  # )`);
  const filters = (from: string, to: string) =>
    new RegExp(`( {10}- (?:\\{)?name: ${from}\\b[^]*?)( {10}- (?:\\{)?name: ${to}\\b[^]*?)(?= {10}- )`);
  const beforeLimit = "      if ($no_key) { return 401; }\n      limit_req zone";
  const swaps: Record<Kind, (text: string) => string> = {
    envoy: (text) =>
      text
        .replace(filters("rateLimit", "auth.requireHeader"), "$1$2")
        .replace(filters("rateLimit", "auth.apiKey"), "$2$1"),
    nginx: (text) => text.replaceAll("      limit_req zone", beforeLimit),
    haproxy: (text) => text.replace(block("rateLimit", "auth"), "$2$1"),
  };

  test.each(KINDS)("rateLimit and auth on %s", async (kind) => {
    const stand = await startStand(kind, swaps[kind]);
    try {
      expect((await breaking(stand, "/key/", ["rateLimit", "auth"])).status).toBe(REFUSALS.auth.status);
    } finally {
      await stand.stop();
    }
  });
});
