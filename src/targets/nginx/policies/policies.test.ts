import { expect, it } from "vitest";
import { POLICY_ORDER, type PoliciesIr } from "../../../ir/index.ts";
import { changes, forward, policies, rewriteTo, rule } from "../testIr.ts";
import { lowerPolicies } from "./index.ts";
import { timeouts } from "./timeouts.ts";

const lower = (more: Partial<PoliciesIr>, path = "/p") =>
  lowerPolicies(rule("r.0", path, { policies: policies(more) }));
const usual = { idleMs: 60_000, requestMs: null };
const linesOf = (more: Partial<PoliciesIr>) =>
  lower({ timeouts: usual, ...more }).flatMap(({ lines }) => lines?.text.split("\n").map((line) => line.trim()) ?? []);

it("gives nothing for what common.conf says already", () => {
  expect(lower({ timeouts: usual })).toEqual([]);
  expect(lower({ timeouts: null })).toEqual([]);
});

it("sends again what retry says, and the rest once, each with its own limit on silence", () => {
  const resends = { methods: ["GET", "POST"], statuses: [503], perTryMs: 900 };
  const parts = lower({
    timeouts: { idleMs: 7000, requestMs: null },
    retry: { attempts: 1, resends, grpcStatuses: [], backoffMs: null },
  });
  const textOf = (of: "lines" | "onceLines") => parts.map((part) => part[of]?.text.replaceAll(/\s+/g, " ").trim());
  expect(textOf("lines")).toEqual([
    "proxy_read_timeout 900ms; proxy_send_timeout 900ms; proxy_next_upstream_timeout 0ms;",
    "proxy_next_upstream error timeout http_503 non_idempotent; proxy_request_buffering on; client_body_buffer_size 16384; " +
      "proxy_next_upstream_tries 2;",
  ]);
  expect(textOf("onceLines")).toEqual([
    "proxy_read_timeout 7000ms; proxy_send_timeout 7000ms; proxy_next_upstream_timeout 7000ms;",
    "proxy_next_upstream_tries 2;",
  ]);
  expect(parts.map(({ sentOnce }) => sentOnce?.text)).toEqual([undefined, "$once_unless_get_post"]);
});

it("gives parts in the order of the policies", () => {
  const all = lower({
    responseHeaders: changes({ set: [{ name: "x-a", value: "1" }] }),
    rewrite: rewriteTo("/new"),
    requestHeaders: changes({ remove: ["x-b"] }),
    retry: { attempts: 1, resends: null, grpcStatuses: [], backoffMs: null },
  });
  const texts = all.map(
    ({ lines, path, requestFields }) => path?.lines.text ?? lines?.text ?? requestFields?.[0]?.name.text ?? "",
  );
  expect(texts.map((text) => /set_x_a|set \$path|x-b|read_timeout|tries 2/.exec(text)?.[0])).toEqual([
    "set_x_a",
    "set $path",
    "x-b",
    "read_timeout",
    "tries 2",
  ]);
  expect(all).toHaveLength(POLICY_ORDER.length);
});

it("rewrites: natively only to plain paths", () => {
  const native = (value: string, path?: string) => lower({ rewrite: rewriteTo(value) }, path)[0]?.path?.native;
  expect([native("/new"), native("/"), native("/$a"), native("/a%20b")]).toEqual(["/new", "/", null, null]);
});

it("changes fields of requests, with the fields of all requests besides", () => {
  const add = [
    { name: "x-t", value: "a" },
    { name: "x-t", value: "b" },
  ];
  const own = changes({ set: [{ name: "x-s", value: "$" }], add, remove: ["x-r"] });
  expect(linesOf({ requestHeaders: own })).toEqual(["set $adding_x_t a,b;", ""]);
  const fields = lower({ requestHeaders: own }).flatMap(({ requestFields = [] }) => requestFields);
  expect(fields.map(({ name, value }) => `${name.text} ${value.text}`)).toEqual([
    'x-s "${dollar}"',
    "x-t $added_x_t",
    'x-r ""',
  ]);
});

it("changes fields of answers, and keeps what nginx would hide", () => {
  const own = changes({ set: [{ name: "etag", value: '"x"' }], remove: ["date", "last-modified"] });
  expect(linesOf({ responseHeaders: own }).filter((line) => !line.startsWith("proxy_pass_header"))).toEqual([
    'set $set_etag "\\"x\\"";',
    'set $set_last_modified " ";',
    "proxy_hide_header date;",
    "proxy_hide_header etag;",
    "proxy_hide_header last-modified;",
    "add_header etag $sent_etag always;",
    "add_header last-modified $sent_last_modified always;",
    "",
  ]);
  expect(linesOf({ responseHeaders: own })).toContain("proxy_pass_header server;");
  expect(linesOf({ responseHeaders: own })).not.toContain("proxy_pass_header date;");
});

it("hides nothing where nobody is asked", () => {
  const own = policies({
    timeouts: null,
    responseHeaders: changes({ set: [{ name: "x-a", value: "1" }], remove: ["x-b"] }),
  });
  const action = { kind: "respond", status: 200, body: "", contentType: "text/plain" } as const;
  expect(lowerPolicies(rule("r.0", "/", { action, policies: own }))[0]?.lines?.text.trim()).toBe("set $set_x_a 1;");
  expect(lowerPolicies(rule("r.0", "/", { action: forward("a"), policies: own }))[0]?.lines?.text).toContain("x-b");
});

it.each([
  ["900ms", true],
  ["2s999ms", true],
  ["3s", false],
  ["5000ms", false],
  ["1m", false],
  ["1m1s", false],
])("an idle timeout of %s may end early: %s", (duration, isEarly) => {
  expect(timeouts.capabilities["route.rules[].timeouts.idle"].when(duration)).toBe(isEarly);
});
