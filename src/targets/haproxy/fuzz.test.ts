/** Random rules on the real HAProxy against the plainest reading of the IR: the first rule of the host that matches. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PathMatchIr, RuleIr, TestIr, VirtualHostIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import { haproxyTarget } from "./index.ts";
import {
  type Decide,
  exact,
  fleet,
  type HeaderTest,
  httpPort,
  prefix,
  type RuleInput,
  regex,
  respond,
  rulesOf,
  virtualHost,
} from "./testSupport/ir.ts";
import { ask, filesOf, freePorts, startProxy } from "./testSupport/proxy.ts";

const REGEXES = ["/a/[bc]+", "/a(?:/[a-c]){2}", "/[a-c]/b/.*", "/[aA]", "/.?"];
const HEADERS = ["x-a", "x-b"];
const VALUES = ["v", "V", "v w", "}", "#", "a,b", "'%\\"];
const HOSTS = ["t.test", "*.t.test", "*.u.t.test", "*"];
const ASKED_HOSTS = ["t.test", "T.test.:80", "x.t.test", "x.u.t.test", "u.t.test", "other.test"];

const element = fc.constantFrom("a", "b", "c");
const path = fc.array(element, { maxLength: 3 }).map((parts) => `/${parts.join("/")}`);
const pathMatch = fc.oneof(path.map(exact), fc.constantFrom(...REGEXES).map(regex), path.map(prefix), path.map(prefix));
const headerMatch = fc.record({
  name: fc.constantFrom(...HEADERS),
  test: fc.constantFrom<TestIr>("exact", "regex", "present", "absent"),
  value: fc.constantFrom(...VALUES),
});
const rule = fc.record({
  path: pathMatch,
  method: fc.constantFrom(null, null, null, "GET", "PATCH"),
  headers: fc.uniqueArray(headerMatch, { maxLength: 2, selector: ({ name }) => name }),
});
const request = fc.record({
  host: fc.constantFrom(...ASKED_HOSTS),
  path: fc.oneof(path, fc.constantFrom("/a/bc", "/A", "/a/b/", "/ab")),
  method: fc.constantFrom("GET", "PATCH", "PUT"),
  // few names and values, so that repeated fields and equal values are frequent
  headers: fc.array(fc.tuple(fc.constantFrom("x-a", ...HEADERS), fc.constantFrom("", "v", ...VALUES)), {
    maxLength: 3,
  }),
});
type Rule = typeof rule extends fc.Arbitrary<infer T> ? T : never;
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

const KINDS = ["exact", "regex", "prefix"];

/** Exact before regex before prefix, longer before shorter, one pattern's rules together, more conditions first. */
function inOrder(rules: readonly Rule[]): readonly Rule[] {
  const rank = ({ path: { kind, value }, method, headers }: Rule) => [
    KINDS.indexOf(kind),
    -value.length,
    kind === "regex" ? REGEXES.indexOf(value) : 0,
    value,
    method === null ? 1 : 0,
    -headers.length,
  ];
  const key = (each: Rule): string =>
    rank(each)
      .map((part) => (typeof part === "number" ? part + 500 : part))
      .join(" ");
  return [...rules].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function hostOf(hostname: string, rules: readonly Rule[], decide: Decide): VirtualHostIr {
  const route = `h${HOSTS.indexOf(hostname)}`;
  const inputs = inOrder(rules).map(({ path, method, headers }, index): RuleInput => {
    const sorted = [...headers].sort((a, b) => (a.name < b.name ? -1 : 1)).map(asIr);
    return { path, headers: sorted, action: respond(`${route}.${index}.0`), ...(method === null ? {} : { method }) };
  });
  return virtualHost(hostname, rulesOf(route, inputs), decide);
}

function asIr({ name, test, value }: Rule["headers"][number]): HeaderTest {
  const text = test === "regex" ? `(?:${escaped(value)})+` : value;
  return { name, test, value: test === "present" || test === "absent" ? "" : text };
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/ #-]/g, "\\$&");
}

/** The rule's id, or 404. */
function expected(hosts: readonly VirtualHostIr[], asked: Request): string {
  const name = asked.host.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
  const found = [...hosts]
    .flatMap(({ hostnames, rules }) => hostnames.map((hostname) => ({ hostname, rules })))
    .filter(({ hostname }) => hostname === name || (hostname.startsWith("*") && name.endsWith(hostname.slice(1))))
    .sort(
      (a, b) => Number(b.hostname === name) - Number(a.hostname === name) || b.hostname.length - a.hostname.length,
    )[0];
  return found?.rules.find((each) => matches(each, asked))?.id ?? "404";
}

function matches({ path: pattern, conditions }: RuleIr, asked: Request): boolean {
  if (!pathMatches(pattern, asked.path)) return false;
  return conditions.every(({ field, test, value }) => {
    if (field.kind === "method") return value === asked.method;
    if (field.kind !== "header") throw new Error("this fuzz asks for methods and headers only");
    const lines = asked.headers.filter(([each]) => each === field.name).map(([, text]) => text);
    const isPresent = lines.some((line) => line !== "");
    if (test === "present" || test === "absent") return isPresent === (test === "present");
    // Several lines are one value, without empty ones at its ends.
    const all = lines.length < 2 ? (lines[0] ?? "") : lines.join(", ").replace(/^(?:, )+|(?:, )+$/g, "");
    if (all === "") return false;
    return test === "exact" ? all === value : fullMatch(value, all);
  });
}

function pathMatches({ kind, value }: PathMatchIr, asked: string): boolean {
  if (kind === "exact") return asked === value;
  if (kind === "regex") return fullMatch(value, asked);
  return value === "/" || asked === value || asked.startsWith(`${value}/`);
}

function fullMatch(pattern: string, text: string): boolean {
  return new RegExp(`^(?:${pattern})$`).test(text);
}

describe("random rules", () => {
  it.each<Decide>(["table", "chain"])(
    "take the requests that they should, decided by %s",
    async (decide) => {
      const rules = fc.array(rule, { minLength: 1, maxLength: 25 });
      const hosts = fc.tuple(rules, rules, rules, rules);
      const requests = fc.array(request, { minLength: 150, maxLength: 150 });
      const property = fc.asyncProperty(hosts, requests, async (lists, asked) => {
        const [port = 0] = await freePorts(1);
        const virtualHosts = HOSTS.map((hostname, index) => hostOf(hostname, lists[index] ?? [], decide));
        virtualHosts.sort((a, b) => ((a.hostnames[0] ?? "") < (b.hostnames[0] ?? "") ? -1 : 1));
        const ports = [httpPort(port, virtualHosts)];
        const proxy = await startProxy(
          filesOf(finish(haproxyTarget.createRenderer().render(fleet({ ports, clusters: [] })))),
          port,
        );
        try {
          const sent = asked.map(async ({ host, path: target, method, headers }) => {
            const lines = headers.map(([name, value]) => `${name}: ${value}`);
            const { status, body } = await ask(port, target, { host, method, headers: lines });
            return status === 200 ? body : String(status);
          });
          const want = asked.map((each) => expected(virtualHosts, each));
          expect((await Promise.all(sent)).map((got, index) => [got, asked[index]])).toEqual(
            want.map((id, index) => [id, asked[index]]),
          );
        } finally {
          await proxy.stop();
        }
      });
      await fc.assert(property, { numRuns: 8, endOnFailure: true });
    },
    120_000,
  );
});
