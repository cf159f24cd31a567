/** Whether a rule was evaded: an endpoint got what a rule denies, as an endpoint reads it. No exception is made for any proxy. */
import type { Told } from "./client.ts";
import { DENIED_SOURCE, GATES } from "./gates.ts";
import { valuesOf } from "./head.ts";

/** What is wrong with a request that came to an endpoint; null: nothing. */
export function evasionOf(told: Told, ofReferer: "as sent" | "perhaps taken off"): string | null {
  const [requestLine = "", ...lines] = told.head.split("\r\n");
  const rules = valuesOf(lines, "x-rule");
  const [rule = ""] = rules;
  if (rules.length !== 1) return `${rules.length} rules are told`;
  const [method = "", target = ""] = requestLine.split(" ");
  const gate = GATES.find(({ path }) => path === rule || (path === "/table" && rule.startsWith("/table/")));
  if (gate === undefined) return `no rule ${rule}`;
  if (rule === "/method") return method === "POST" ? "the method" : null;
  if (rule === "/source") return lastForwarded(lines) === DENIED_SOURCE ? "the address" : null;
  if (rule.startsWith("/table")) return valuesOf(lines, gate.name).includes("admin") ? "the tenant" : null;
  if (gate.looksAt === "nothing") return null;
  if (gate.name === "referer" && ofReferer === "perhaps taken off") return null;
  const test = rule.slice(rule.lastIndexOf("/") + 1);
  const values = {
    // Whichever line an endpoint takes.
    header: gate.name === "x-forwarded-for" ? [forwardedBefore(lines)] : valuesOf(lines, gate.name),
    cookie: cookiesOf(valuesOf(lines, "cookie"), gate.name, test),
    query: firstOf((target.split("?").slice(1).join("?") || "").split("&"), gate.name),
    method: [],
    source: [],
  }[gate.looksAt];
  return isDenied(test, gate.looksAt === "query", values)
    ? `${gate.looksAt} ${gate.name}: ${JSON.stringify(values)}`
    : null;
}

/** RFC 6265, 4.2.1: a pair has a `=`; servers pass over what has none, and so do the rules. */
const pairsOf = (text: string): string[] => text.split(";").filter((pair) => pair.includes("="));

/** The first of all lines counts. That it is absent is said of none of them (Envoy looks at each line by itself: L7-DUP-HEADER). */
function cookiesOf(lines: readonly string[], name: string, test: string): readonly string[] {
  if (test === "absent") return lines.flatMap((line) => firstOf(pairsOf(line), name));
  return firstOf(pairsOf(lines.join("; ")), name);
}

/** The value of the first pair of the name; many servers take no blanks behind it for a part of it. */
function firstOf(pairs: readonly string[], name: string): readonly string[] {
  const pair = pairs
    .map((each) => each.replace(/^[ \t]+/, ""))
    .find((each) => each.startsWith(`${name}=`) || each === name);
  return pair === undefined ? [] : [pair.slice(name.length + 1).replace(/[ \t]+$/, "")];
}

function isDenied(test: string, emptyCounts: boolean, values: readonly string[]): boolean {
  const present = emptyCounts ? values.length > 0 : values.some((value) => value !== "");
  if (test === "present") return present;
  if (test === "absent") return !present;
  return values.some((value) => (test === "exact" ? value === "admin" : /^ad.*n$/s.test(value)));
}

/** The list that the client sent: without the address that proxies append. */
function forwardedBefore(lines: readonly string[]): string {
  const list = valuesOf(lines, "x-forwarded-for").join(", ");
  return list.includes(",") ? list.slice(0, list.lastIndexOf(",")) : "";
}

function lastForwarded(lines: readonly string[]): string | undefined {
  return valuesOf(lines, "x-forwarded-for").at(-1)?.split(",").at(-1)?.trim();
}
