/** `locality.preferLocal`: for the clients of each label a cluster of the same endpoints, those in the zone of that name first. */
import { nearName } from "../../ir/index.ts";
import { labelsGiven, localZones, type Resource } from "../../model/index.ts";
import type { CompilerMemory } from "../memory.ts";
import type { Preference } from "../preference.ts";

/** Remembered for the cluster and its table. */
export function preferenceOf(
  cluster: Resource<"cluster">,
  table: Resource<"geoTable">,
  { geoLabels, preferences }: CompilerMemory,
): Preference {
  const known = preferences.get(cluster);
  if (known?.table === table) return known.preference;
  const labels = geoLabels.get(table) ?? labelsGiven(table.body);
  geoLabels.set(table, labels);
  const zones = localZones(cluster.body, labels);
  const names = wordsOf(zones);
  const near = zones.map((label) => ({ label, cluster: nearCluster(cluster, label, names.get(label) ?? label) }));
  const preference = Object.freeze({ table: table.name, near });
  preferences.set(cluster, { table, preference });
  return preference;
}

function nearCluster({ body, ...cluster }: Resource<"cluster">, label: string, word: string): Resource<"cluster"> {
  const endpoints = body.endpoints.map((endpoint) => ({ ...endpoint, priority: endpoint.zone === label ? 0 : 1 }));
  return { ...cluster, name: nearName(cluster.name, word), body: { ...body, endpoints } };
}

/** Labels as parts of names that every proxy takes. nginx compares them without case. A number tells apart what falls together. */
export function wordsOf(labels: readonly string[]): ReadonlyMap<string, string> {
  const words = new Map<string, string>();
  const taken = new Set<string>();
  for (const label of labels) {
    const plain = label.toLowerCase().replace(/[^a-z0-9]/g, "-");
    let word = plain;
    for (let number = 2; taken.has(word); number++) word = `${plain}-${number}`;
    taken.add(word);
    words.set(label, word);
  }
  return words;
}
