/** What one virtual host adds to its port: its name, its paths, its groups. What its rules add is theirs, see rule.ts. */
import type { PathGroupIr, VirtualHostIr } from "../../ir/index.ts";
import { addDecision, groupTarget } from "./decision.ts";
import { type Fragment, type FragmentBuilder, newFragment } from "./fragment.ts";
import { mapKey, mapLine, mapRegexKey, mapValue } from "./quote.ts";

const fragments = new WeakMap<VirtualHostIr, Fragment>();

/** The virtual host's fragment; the same object as long as the virtual host is the same object. */
export function lowerVirtualHost(host: VirtualHostIr): Fragment {
  const known = fragments.get(host);
  if (known !== undefined) return known;
  if (host.groups === null) throw new Error(`${host.id}: HAProxy needs path groups`);
  const builder = newFragment();
  addHost(builder, host);
  if (host.groups.some((group) => group.path.kind === "regex")) {
    builder.uses.push([`regexHost.${host.id}`, { kind: "regexHost", id: host.id }]);
  }
  for (const group of host.groups) {
    const [map, line] = pathLine(host, group);
    builder.lines.push([map, line]);
    addDecision(builder, { host, group });
  }
  fragments.set(host, builder);
  return builder;
}

/** `*.a.b` is looked up by its suffix `.a.b`, cut from the host by the number of dots. */
function addHost(builder: FragmentBuilder, { hostname, id }: VirtualHostIr): void {
  if (hostname === "*") {
    builder.uses.push(["anyHost", { kind: "anyHost", id }]);
  } else if (hostname.startsWith("*.")) {
    const suffix = hostname.slice(1);
    const depth = suffix.split(".").length - 1;
    builder.uses.push([`depth.${String(999 - depth).padStart(3, "0")}`, { kind: "depth", depth }]);
    builder.lines.push(["wildcard", mapLine(mapKey(suffix), mapValue(id))]);
  } else {
    builder.lines.push(["host", mapLine(mapKey(hostname), mapValue(id))]);
  }
}

/** Prefix keys end in a slash, and so does what is looked up: whole elements only. */
function pathLine(host: VirtualHostIr, group: PathGroupIr): readonly [string, string] {
  const target = mapValue(groupTarget({ host, group }));
  const { kind, value } = group.path;
  if (kind === "regex") return [regexMap(host.id), mapLine(mapRegexKey(value), target)];
  if (kind === "exact") return ["exact", mapLine(mapKey(`${host.id}|${value}`), target)];
  return ["prefix", mapLine(mapKey(`${host.id}|${value === "/" ? "" : value}/`), target)];
}

/** The map of a virtual host's regexes, in precedence order. */
export function regexMap(hostId: string): string {
  return `regex.${hostId}`;
}
