/** Which site a host is: its own spelling and others, wildcards, any host. */
import type { VirtualHostIr } from "../../ir/index.ts";
import { addLines, addShared, type FragmentBuilder } from "./fragment.ts";
import type { ListenerContext } from "./listenerContext.ts";
import { listenerMap } from "./names.ts";
import { file, mapKey, mapLine, mapValue, number } from "./quote.ts";

/** A site is known by the first of its hostnames. */
export function siteOf({ hostnames }: VirtualHostIr): string {
  const [first] = hostnames;
  if (first === undefined) throw new Error("a virtual host without hostnames");
  return first;
}

/**
 * Adds what finds a site. A host stands there twice, as clients write it: with the listener's port and without. `*.a.b` is looked
 * up by its suffix `.a.b`, in a map of its own, or a client could ask for a host called `*.a.b`.
 */
export function addSite(builder: FragmentBuilder, host: VirtualHostIr, context: ListenerContext): void {
  const site = mapValue(siteOf(host));
  for (const hostname of host.hostnames) {
    if (hostname === "*") {
      // It is the first of its hostnames, and so the site's name, which the template has.
      addShared(builder, "anyHost", ["", context.section("anySite", {})]);
    } else if (hostname.startsWith("*.")) {
      addLines(builder, "wildcards", mapLine(mapKey(hostname.slice(1)), site));
      addDepth(builder, hostname.split(".").length, context);
    } else {
      const [plain, withPort] = [mapKey(hostname), mapKey(`${hostname}:${context.port.port}`)];
      addLines(builder, "sites", mapLine(plain, site) + mapLine(withPort, site));
    }
  }
}

/** One line for all wildcards of as many labels, the longest first. */
function addDepth(builder: FragmentBuilder, labels: number, context: ListenerContext): void {
  const view = { labels: number(labels), file: file(listenerMap(context.listener, "wildcards")) };
  addShared(builder, "wildcards", [String(999 - labels), context.section("wildcardSites", view)]);
}
