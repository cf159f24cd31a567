import type { Diagnostic } from "../../errors/diagnostic.ts";
import { labelsGiven, localZones, MAX_LOCAL_ZONES } from "../geoLabels.ts";
import type { Resource, Snapshot } from "../types.ts";
import { problem, type Rule, rulesOf, touchedOf, warning } from "./rule.ts";

const CODE = "MODEL-PREFER-LOCAL";

/** A preference of zones is one of HTTP, leaves priorities and limits to nobody else, and its zones are labels of the table. */
export const preferLocal: Rule = function* (snapshot, touched, names) {
  for (const cluster of touchedOf(touched, "cluster")) {
    if (cluster.body.locality?.preferLocal === undefined) continue;
    yield* besides(cluster);
    const table = snapshot.geoTable.get(cluster.body.locality.preferLocal.table);
    if (table === undefined) continue;
    const labels = labelsGiven(table.body);
    const zones = localZones(cluster.body, labels);
    if (zones.length > MAX_LOCAL_ZONES) {
      const found = `its endpoints stand in ${zones.length} zones that are labels of geo table ${table.name}`;
      const message = `${found}; at most ${MAX_LOCAL_ZONES} are possible`;
      yield problem(CODE, cluster, { pointer: "/endpoints", message });
    }
    const strange = new Set<string>();
    for (const [index, { zone }] of cluster.body.endpoints.entries()) {
      if (zone === undefined || labels.has(zone) || strange.has(zone)) continue;
      strange.add(zone);
      const message = `no range of geo table ${table.name} has the label ${zone}: nobody prefers this zone${names.hint(zone, labels)}`;
      yield warning("LB-ZONE-LABEL", cluster, { pointer: `/endpoints/${index}/zone`, message });
    }
  }
  for (const route of touchedOf(touched, "route")) yield* inRoute(route, snapshot);
};

/** What would not mean what it says beside it. */
function* besides(cluster: Resource<"cluster">): Iterable<Diagnostic> {
  for (const [index, { priority }] of cluster.body.endpoints.entries()) {
    if (priority === undefined) continue;
    const message = "`locality.preferLocal` says which endpoints come first; remove the field";
    yield problem(CODE, cluster, { pointer: `/endpoints/${index}/priority`, message });
  }
  if (cluster.body.limits !== undefined) {
    const message =
      "with `locality.preferLocal` the clients of each zone would be counted by themselves; remove one of the two";
    yield problem(CODE, cluster, { pointer: "/limits", message });
  }
}

function* inRoute(route: Resource<"route">, snapshot: Snapshot): Iterable<Diagnostic> {
  const { protocol = "http" } = route.body;
  for (const { rule, at } of rulesOf(route)) {
    const split = (rule.split ?? []).map(({ cluster }, index) => {
      const table = snapshot.cluster.get(cluster)?.body.locality?.preferLocal?.table;
      return { cluster, table, pointer: `${at}/split/${index}/cluster` };
    });
    const first = split.find(({ table }) => table !== undefined);
    if (first === undefined) continue;
    const { pointer, cluster, table = "" } = first;
    if (protocol !== "http") {
      const message = `cluster ${JSON.stringify(cluster)} has \`locality.preferLocal\`, which is for HTTP`;
      yield problem(CODE, route, { pointer, message });
      continue;
    }
    const other = split.find((each) => each.table !== undefined && each.table !== table);
    if (other === undefined) continue;
    const [one, two] = [JSON.stringify(other.cluster), JSON.stringify(cluster)];
    const both = `cluster ${one} prefers by geo table ${other.table}, cluster ${two} by ${table}`;
    const message = `${both}: clusters of one split have one table`;
    yield problem(CODE, route, { pointer: other.pointer, message });
  }
}
