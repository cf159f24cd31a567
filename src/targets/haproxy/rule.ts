/** What one rule adds to its port: map lines under the rule's id, and the rules in the frontend that read them. */
import type { ForwardIr, HeaderChangesIr, RedirectIr, RespondIr, RuleIr, SplitIr } from "../../ir/index.ts";
import { addLines, type FragmentBuilder } from "./fragment.ts";
import { httpBackend, RESPOND_BACKEND, shortHash, weightsKey } from "./names.ts";
import { mapKey, mapLine, mapValue } from "./quote.ts";

/** What a rule waits for when it says nothing: the schema's default, so that only other values need a line. */
export const DEFAULT_IDLE_MS = 60_000;

/** Adds a rule. */
export function lowerRule(builder: FragmentBuilder, rule: RuleIr): void {
  switch (rule.action.kind) {
    case "forward":
      addForward(builder, rule, rule.action);
      break;
    case "redirect":
      addRedirect(builder, rule, rule.action);
      break;
    case "respond":
      addRespond(builder, rule.id, rule.action);
      break;
  }
  addHeaders(builder, rule.id, { direction: "response", changes: rule.responseHeaders });
}

function addForward(builder: FragmentBuilder, rule: RuleIr, action: ForwardIr): void {
  addSplit(builder, rule.id, action.split);
  if (action.rewritePrefix !== null) addPrefix(builder, rule, action.rewritePrefix);
  // no total limit in HAProxy: silence is cut at the smaller of the two (capabilities.ts: L7-TIMEOUT-TOTAL)
  const idle = Math.min(action.idleTimeoutMs, action.requestTimeoutMs ?? action.idleTimeoutMs);
  if (idle !== DEFAULT_IDLE_MS) addEntry(builder, "idle", [rule.id, String(idle)]);
  addHeaders(builder, rule.id, { direction: "request", changes: action.requestHeaders });
}

/** One share: its backend. More: the name of the weights, and a backend for each place in them. None: nothing, thus 503. */
function addSplit(builder: FragmentBuilder, id: string, split: SplitIr): void {
  const [first] = split;
  if (first === undefined) return;
  if (split.length === 1) {
    addEntry(builder, "backend", [id, httpBackend(first.cluster)]);
    return;
  }
  const weights = split.map((share) => share.weight);
  const key = weightsKey(weights);
  builder.uses.set(key, { kind: "weights", key, weights });
  addEntry(builder, "backend", [id, key]);
  split.forEach((share, place) => {
    addEntry(builder, "split", [`${id}|${place}`, httpBackend(share.cluster)]);
  });
}

function addRedirect(builder: FragmentBuilder, rule: RuleIr, action: RedirectIr): void {
  const { id } = rule;
  addEntry(builder, "redirect-status", [id, String(action.status)]);
  builder.uses.set(`redirectStatus.${action.status}`, { kind: "redirectStatus", status: action.status });
  addEntry(builder, "redirect-scheme", [id, action.scheme ?? "http"]);
  if (action.hostname !== null) addEntry(builder, "redirect-host", [id, action.hostname]);
  const isDefault = action.port === (action.scheme === "https" ? 443 : 80);
  if (action.port !== null && !isDefault) {
    addEntry(builder, "redirect-port", [id, action.port === "listener" ? "listener" : `:${action.port}`]);
  }
  if (action.path?.kind === "full") addEntry(builder, "redirect-path", [id, action.path.value]);
  if (action.path?.kind === "prefix") addPrefix(builder, rule, action.path.value);
}

/** The path becomes `replacement` and what follows the matched prefix; `/` as replacement strips. */
function addPrefix(builder: FragmentBuilder, rule: RuleIr, replacement: string): void {
  if (rule.path.kind !== "prefix") throw new Error(`${rule.id}: replaces a prefix, matches none`);
  const length = rule.path.value === "/" ? 0 : rule.path.value.length;
  addEntry(builder, "prefix-length", [rule.id, String(length)]);
  builder.uses.set(`prefixLength.${String(length).padStart(5, "0")}`, { kind: "prefixLength", length });
  const head = replacement.replace(/\/+$/, "");
  if (head !== "") addEntry(builder, "prefix-value", [rule.id, head]);
}

function addRespond(builder: FragmentBuilder, id: string, respond: RespondIr): void {
  const key = shortHash(String(respond.status), respond.contentType, respond.body);
  addEntry(builder, "backend", [id, RESPOND_BACKEND]);
  addEntry(builder, "respond", [id, key]);
  builder.uses.set(`respond.${key}`, { kind: "respond", key, respond });
}

interface DirectedChanges {
  readonly direction: "request" | "response";
  readonly changes: HeaderChangesIr;
}

function addHeaders(builder: FragmentBuilder, id: string, { direction, changes }: DirectedChanges): void {
  const note = (change: "set" | "add" | "remove", entry: { header: string; suffix: string; value: string }): void => {
    const { header, suffix, value } = entry;
    const map = `${direction}-${change}.${header}${suffix}`;
    addEntry(builder, map, [id, value]);
    builder.uses.set(`header.${map}`, { kind: "header", change: { direction, change, header, map } });
  };
  for (const header of changes.remove) note("remove", { header, suffix: "", value: "1" });
  for (const { name, value } of changes.set) note("set", { header: name, suffix: "", value });
  const seen = new Map<string, number>();
  for (const { name, value } of changes.add) {
    const place = seen.get(name) ?? 0;
    seen.set(name, place + 1);
    note("add", { header: name, suffix: `.${String(place).padStart(2, "0")}`, value });
  }
}

function addEntry(builder: FragmentBuilder, map: string, [key, value]: readonly [string, string]): void {
  addLines(builder, map, mapLine(mapKey(key), mapValue(value)));
}
