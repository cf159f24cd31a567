/** The backends of a cluster, with what rules change there. */
import type { RetryIr } from "../../../ir/index.ts";
import { spreadHash } from "../../../util/hash.ts";
import type { TemplateSet } from "../../../util/templates.ts";
import type { Version } from "../../target.ts";
import { type ChangePlan, MAX_OPEN_LINES, type RuleLines } from "../changePlan.ts";
import { apartBackend, changesMap, changingRules } from "../names.ts";
import { comment, file, name, rule } from "../quote.ts";
import { type BackendView, type ClusterBackends, lowerBackends } from "./backends.ts";
import { retryView } from "./retry.ts";
import { callBackend, ruleBackend } from "./ruleBackend.ts";

type Section = TemplateSet["render"];

/** Backends, and the files that they name. */
export interface ClusterText {
  readonly text: string;
  readonly files: ReadonlyMap<string, string>;
}

/** A cluster as the fleet has it, and what is changed there. */
export interface ClusterInput {
  readonly cluster: ClusterBackends;
  readonly plan: ChangePlan;
  readonly version: Version;
}

/** The text of all of a cluster's backends. */
export function clusterText({ cluster, plan, version }: ClusterInput, section: Section): ClusterText {
  const own = cluster.cluster.name;
  const files = new Map<string, string>();
  for (const map of plan.maps) files.set(changesMap(own, map.name), map.text);
  const views = lowerBackends(cluster, version);
  const lines = linesIn(own, own, plan);
  const count = lines.reduce((sum, { changes }) => sum + changes.length, plan.maps.length);
  const isLong = plan.apart === null && count > MAX_OPEN_LINES;
  if (isLong) files.set(changingRules(own), plan.rules);
  const texts: string[] = [];
  for (const view of views) {
    texts.push(section("backend", view));
    if (view.limits !== null) texts.push(section("limits", view.limits));
    if (view.http) texts.push(sharedLines(own, { plan: { ...plan, lines }, isLong }, section));
    texts.push(section("servers", view));
    if (!view.http) continue;
    for (const form of plan.retries) texts.push(retryText(view, { own, form, plan }, section));
    if (plan.calls) texts.push(callText(view, own, { plan, section }));
    if (plan.apart === null) continue;
    for (const rules of plan.lines) texts.push(apartText(view, { own, lines: rules }, section));
  }
  return { text: texts.join(""), files };
}

function sharedLines(
  own: string,
  { plan, isLong }: { readonly plan: ChangePlan; readonly isLong: boolean },
  section: Section,
): string {
  const texts = [section("changesStart", { rules: isLong ? file(changingRules(own)) : null })];
  if (plan.apart === null) {
    for (const lines of plan.lines) {
      texts.push(titleOf(lines, section));
      for (const { template, view } of lines.changes) {
        texts.push(section(template, { ...view, rule: rule(lines.key), map: null }));
      }
    }
  }
  for (const map of plan.maps) {
    const path = file(changesMap(own, map.name));
    texts.push(section(map.change.template, { ...map.change.view, rule: null, map: path }));
  }
  return texts.join("");
}

/** Lines for the rules whose requests come to this backend, unless they stand apart. */
function linesIn(backend: string, own: string, { lines }: ChangePlan): ChangePlan["lines"] {
  return lines.filter(({ form }) => ruleBackend(own, form) === backend);
}

interface RetryForm {
  readonly own: string;
  readonly form: ChangePlan["retries"][number];
  readonly plan: ChangePlan;
}

/**
 * A backend for the rules that try again alike. The time limit of a try comes after those of rules, so no line lets other rules'
 * requests pass them.
 */
function retryText(view: BackendView, { own, form: [backend, retry], plan }: RetryForm, section: Section): string {
  const lines = linesIn(backend, own, plan);
  return [
    section("backend", { ...besides(view, retry), name: name(backend) }),
    // Where there are several such backends, limits are refused.
    view.limits === null ? "" : section("limits", view.limits),
    sharedLines(own, { plan: { ...plan, lines }, isLong: false }, section),
    retryLines(view, retry, section),
    section("servers", followers(view, view.servers)),
  ].join("");
}

/** A backend for calls. Their deadline comes after the limits of rules, as above. */
function callText(
  view: BackendView,
  own: string,
  { plan, section }: { readonly plan: ChangePlan; readonly section: Section },
): string {
  const backend = callBackend(own);
  return [
    section("backend", { ...ofCalls(besides(view, null)), name: name(backend) }),
    // Where other backends of the cluster get requests too, limits are refused.
    view.limits === null ? "" : section("limits", view.limits),
    sharedLines(own, { plan: { ...plan, lines: linesIn(backend, own, plan) }, isLong: false }, section),
    section("grpcDeadline", {}),
    section("servers", followers(view, view.servers)),
  ].join("");
}

function ofCalls(view: BackendView): BackendView {
  return { ...view, calls: true };
}

function titleOf({ key, changes }: RuleLines, section: Section): string {
  const words = changes.map((change) => change.comment).filter((word) => word !== null);
  return section("changesOfRule", { key: comment(key), what: words.length > 0 ? comment(words.join("; ")) : null });
}

/**
 * A backend for the requests of one rule. It sees its endpoints as the cluster's backend does, and begins with another of them than
 * its neighbours: else the first requests of all such rules would meet at one endpoint.
 */
function apartText(
  view: BackendView,
  { own, lines }: { readonly own: string; readonly lines: RuleLines },
  section: Section,
): string {
  const start = view.servers.length === 0 ? 0 : spreadHash(lines.key) % view.servers.length;
  const servers = [...view.servers.slice(start), ...view.servers.slice(0, start)];
  const { protocol, retry } = lines.form;
  const isCall = protocol === "grpc";
  const beside = isCall ? ofCalls(besides(view, null)) : besides(view, retry);
  return [
    section("backend", { ...beside, name: name(apartBackend(own, lines.key)) }),
    titleOf(lines, section),
    ...lines.changes.map((change) => section(change.template, { ...change.view, rule: null, map: null })),
    isCall ? section("grpcDeadline", {}) : "",
    isCall || retry === null ? "" : retryLines(view, retry, section),
    section("servers", followers(view, servers)),
  ].join("");
}

/** A backend beside the cluster's, which does the probing. What observes its own traffic has states, and so probes, of its own. */
function besides(view: BackendView, retry: RetryIr | null): BackendView {
  const resends = retry !== null && retry.resends !== null;
  const check = view.outlier === null ? null : view.check;
  return { ...view, check, resends, single: view.single && !resends };
}

/** The same endpoints; what the cluster's backend finds out of them holds here too. */
function followers(
  view: BackendView,
  servers: BackendView["servers"],
): Pick<BackendView, "http2" | "scheme" | "servers"> {
  const track = view.check === null || view.outlier !== null ? null : view.name;
  return {
    http2: view.http2,
    scheme: view.scheme,
    servers: servers.map((server) => ({ ...server, track: server.track ?? track })),
  };
}

function retryLines(view: BackendView, retry: RetryIr, section: Section): string {
  return section("retry", retryView(retry, view.single));
}
