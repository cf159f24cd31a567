/** Values read back from a real Envoy: what lands in a format string or a substitution arrives as written. */
import type { Server } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RuleIr } from "../../ir/index.ts";
import { formatLiteral, regexLiteral, substitutionLiteral } from "./quote.ts";
import {
  ask,
  changes,
  cluster,
  echoUpstream,
  fleet,
  forward,
  freePort,
  httpPort,
  listen,
  type RunningEnvoy,
  rule,
  startEnvoy,
} from "./testing.ts";

const SEED = 20_261_121;
const VALUES = 300;

/** The model's header values: printable ASCII, no space at either end; characters of Envoy's format language often. */
const printable = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code));
const likely = fc.constantFrom(
  "%",
  "%%",
  "%REQ(host)%",
  "%START_TIME%",
  "%NO_SUCH%",
  "%2F",
  "\\",
  "\\1",
  '"',
  "'",
  "$x",
  "{",
  "}",
  "#",
  ";",
  "|",
);
const headerValue = fc
  .array(fc.oneof(printable, likely), { minLength: 1, maxLength: 20 })
  .map((parts) => parts.join("").trim())
  .filter((text) => text !== "");
/** The model's paths, without what the path policy refuses. */
const pathText = fc
  .array(fc.constantFrom(..."abcXYZ019._~!$&'()*+,;=:@-", "%25", "%20", "%C3%A9"), { minLength: 1, maxLength: 12 })
  .map((parts) => `/${parts.join("")}`)
  .filter((path) => !/^\/\.{1,2}$/.test(path));

const values = fc.sample(headerValue, { numRuns: VALUES, seed: SEED });
const paths = fc.sample(pathText, { numRuns: VALUES, seed: SEED });

let envoy: RunningEnvoy;
let upstream: Server;
let port = 0;

function rules(): RuleIr[] {
  return values.flatMap((value, index) => {
    const both = changes({ set: [{ name: "x-set", value }], add: [{ name: "x-add", value }] });
    const rewriteTo = (to: string) => ({ path: { kind: "prefix", value: to } }) as const;
    const respond = { kind: "respond", status: 200, body: value, contentType: "text/plain" } as const;
    const path = paths[index] as string;
    return [
      rule(`f${index}.0.0`, {
        path: `/forward/${index}${path}`,
        action: forward("a"),
        policies: { rewrite: rewriteTo(path), requestHeaders: both, responseHeaders: both },
      }),
      rule(`s${index}.0.0`, {
        path: `/strip/${index}${path}`,
        action: forward("a"),
        policies: { rewrite: rewriteTo("/") },
      }),
      rule(`r${index}.0.0`, { path: `/respond/${index}`, action: respond }),
    ];
  });
}

beforeAll(async () => {
  upstream = echoUpstream("a");
  const upstreamPort = await listen(upstream);
  port = await freePort();
  envoy = await startEnvoy(fleet([httpPort(port, { "a.example.com": rules() })], [cluster("a", [upstreamPort])]));
});
afterAll(async () => {
  await envoy?.stop();
  upstream?.closeAllConnections();
  upstream?.close();
});

describe(`seed ${SEED}`, () => {
  it("every value arrives as written", async () => {
    const host = ["Host: a.example.com"];
    for (const [index, value] of values.entries()) {
      const path = paths[index] as string;
      const { seen, headers } = await ask(port, `GET /forward/${index}${path}/x`, host);
      const got = [seen.headers["x-set"], seen.headers["x-add"], headers["x-set"], headers["x-add"], seen.url];
      expect(got).toEqual([value, value, value, value, `${path}/x`]);
      expect((await ask(port, `GET /strip/${index}${path}/x`, host)).seen.url).toBe("/x");
      expect((await ask(port, `GET /respond/${index}`, host)).body).toBe(value);
    }
  });
});

describe("quote", () => {
  it("doubles what would be a command", () => expect(formatLiteral("5% of %%")).toBe("5%% of %%%%"));
  it("escapes captures", () => expect(substitutionLiteral("\\1")).toBe("\\\\1"));
  it("matches itself", () => {
    fc.assert(fc.property(headerValue, (text) => new RegExp(`^(?:${regexLiteral(text)})$`).test(text)));
  });
});
