/** The backends of a cluster, with what rules change there. */
import { spreadHash } from "../../../util/hash.ts";
import type { TemplateSet } from "../../../util/templates.ts";
import type { Version } from "../../target.ts";
import { type ChangePlan, MAX_OPEN_LINES, type RuleLines } from "../changePlan.ts";
import { apartBackend, changesMap, changingRules } from "../names.ts";
import { comment, file, name, rule } from "../quote.ts";
import { type BackendView, type ClusterBackends, lowerBackends } from "./backends.ts";

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
  const lines = plan.lines.reduce((sum, { changes }) => sum + changes.length, plan.maps.length);
  const isLong = plan.apart === null && lines > MAX_OPEN_LINES;
  if (isLong) files.set(changingRules(own), plan.rules);
  const texts: string[] = [];
  for (const view of views) {
    texts.push(section("backend", view));
    if (view.limits !== null) texts.push(section("limits", view.limits));
    if (view.http) texts.push(sharedLines(own, { plan, isLong }, section));
    texts.push(section("servers", view));
    if (!view.http || plan.apart === null) continue;
    for (const lines of plan.lines) texts.push(apartText(view, { own, lines }, section));
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
  const track = view.check === null ? null : view.name;
  const apart = { ...view, name: name(apartBackend(own, lines.key)), check: null };
  return [
    section("backend", apart),
    titleOf(lines, section),
    ...lines.changes.map((change) => section(change.template, { ...change.view, rule: null, map: null })),
    section("servers", { servers: servers.map((server) => ({ ...server, track: server.track ?? track })) }),
  ].join("");
}
