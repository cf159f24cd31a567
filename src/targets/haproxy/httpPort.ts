/** One HTTP port: joins the fragments of its virtual hosts to a frontend's views and its map files. */
import type { HttpPortIr } from "../../ir/index.ts";
import type { Steps } from "../../util/steps.ts";
import type { Quoted } from "../../util/templates.ts";
import { type ActionsView, actionsView } from "./actionsView.ts";
import { type ConditionsView, conditionsView } from "./conditionsView.ts";
import { type Use, usesOf } from "./fragment.ts";
import { joinVirtualHosts } from "./join.ts";
import { portMap } from "./names.ts";
import { address, file, name, number } from "./quote.ts";
import { regexMap } from "./virtualHost.ts";

/** `frontend.hbs`: socket, guards, host and path look-up. */
export interface FrontendView {
  readonly name: Quoted<"name">;
  readonly address: Quoted<"address">;
  readonly v6only: boolean;
  readonly hosts: Quoted<"file">;
  /** Longest suffix first. */
  readonly wildcards: readonly { readonly file: Quoted<"file">; readonly labels: Quoted<"number"> }[];
  readonly anyHost: readonly Quoted<"name">[];
  readonly exact: Quoted<"file">;
  readonly regexHosts: readonly { readonly id: Quoted<"name">; readonly file: Quoted<"file"> }[];
  readonly prefix: Quoted<"file">;
}

/** A frontend for HTTP, section by section. */
export interface HttpPortView {
  readonly frontend: FrontendView;
  /** Null: no group of this port has to choose. */
  readonly conditions: ConditionsView | null;
  /** `fallback.hbs`, then the conditions again; null: nothing is looked up a second time. */
  readonly fallback: { readonly prefix: Quoted<"file"> } | null;
  readonly actions: ActionsView;
}

/** A port's part of the rendering. */
export interface LoweredPort {
  readonly view: HttpPortView;
  /** Path -> content. */
  readonly maps: ReadonlyMap<string, string>;
  readonly uses: ReadonlyMap<string, Use>;
}

/** Everything that one HTTP port needs; throws when a virtual host has no path groups. */
export function* lowerHttpPort(port: HttpPortIr): Steps<LoweredPort> {
  const { lines, uses } = yield* joinVirtualHosts(port.virtualHosts);
  const maps = new Map<string, string>();
  for (const [map, text] of lines) maps.set(portMap(port.id, map), text);
  /** HAProxy refuses to start without a file that the configuration names: what is named and has no lines is written empty. */
  const mapFile = (map: string): Quoted<"file"> => {
    const path = portMap(port.id, map);
    if (!maps.has(path)) maps.set(path, "");
    return file(path);
  };
  yield;
  const frontend = frontendView(port, uses, mapFile);
  yield;
  const conditions = yield* conditionsView(uses, mapFile);
  return {
    view: {
      frontend,
      conditions,
      fallback: uses.has("fallback") ? { prefix: mapFile("prefix") } : null,
      actions: actionsView({ port, lines, uses, mapFile }),
    },
    maps,
    uses,
  };
}

function frontendView(
  port: HttpPortIr,
  uses: ReadonlyMap<string, Use>,
  mapFile: (map: string) => Quoted<"file">,
): FrontendView {
  return {
    name: name(port.id),
    address: address(port.address, port.port),
    v6only: port.address.includes(":"),
    hosts: mapFile("host"),
    wildcards: usesOf(uses, "depth").map(({ depth }) => ({ file: mapFile("wildcard"), labels: number(depth + 1) })),
    anyHost: usesOf(uses, "anyHost").map(({ id }) => name(id)),
    exact: mapFile("exact"),
    regexHosts: usesOf(uses, "regexHost").map(({ id }) => ({ id: name(id), file: mapFile(regexMap(id)) })),
    prefix: mapFile("prefix"),
  };
}
