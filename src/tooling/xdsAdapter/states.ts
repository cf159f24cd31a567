/** What each node is to see: the state that the harness changes, call by call. */
import type { XdsResource, XdsServer } from "../../xds/index.ts";
import { changed, made } from "./contents.ts";
import { resourceFrom, resourceOf } from "./resources.ts";
import type { ResourceRequest, SetStateRequest } from "./wire.ts";

interface TypeState {
  readonly version: string;
  readonly resources: ReadonlyMap<string, XdsResource>;
}

/** A call about a resource that is not there. */
export class NotThere extends Error {}

/** The adapter's calls. Each is one transaction; one that throws changes nothing. */
export interface States {
  set(request: SetStateRequest): void;
  clear(node: string): void;
  update(request: ResourceRequest): void;
  add(request: ResourceRequest): void;
  remove(request: ResourceRequest): void;
}

const NOTHING: ReadonlyMap<string, XdsResource> = new Map();

/** Keeps states in memory and shows each to its node. */
export function createStates(server: XdsServer): States {
  const nodes = new Map<string, Map<string, TypeState>>();
  let revision = 0;
  let changes = 0;

  function publish(node: string, types: Map<string, TypeState>): void {
    nodes.set(node, types);
    revision += 1;
    const view = new Map([...types].map(([typeUrl, { resources }]) => [typeUrl, resources]));
    const versions = new Map(
      [...types].flatMap(([typeUrl, { version }]) => (version === "" ? [] : [[typeUrl, version]])),
    );
    server.setView(node, view, { revision, versions });
  }

  function put(request: ResourceRequest, value: Uint8Array): void {
    const { node, typeUrl, name, version } = request;
    const types = new Map(nodes.get(node));
    const before = types.get(typeUrl)?.resources ?? NOTHING;
    const { aliases, ttlMs } = before.get(name) ?? {};
    const around = { ...(aliases && { aliases }), ...(ttlMs !== undefined && { ttlMs }) };
    const resource = resourceOf({ typeUrl, value }, name, around);
    publish(node, types.set(typeUrl, { version, resources: new Map(before).set(name, resource) }));
  }

  function find({ node, typeUrl, name }: ResourceRequest): XdsResource | undefined {
    return nodes.get(node)?.get(typeUrl)?.resources.get(name);
  }

  function update(request: ResourceRequest): void {
    const found = find(request);
    if (found === undefined) throw new NotThere(`node ${request.node} has no ${request.typeUrl} ${request.name}`);
    changes += 1;
    put(request, changed(request.typeUrl, found.bytes, changes));
  }

  return {
    update,
    set({ node, version, resources }) {
      const types = new Map<string, Map<string, XdsResource>>();
      for (const any of resources) {
        const resource = resourceFrom(any);
        const type = types.get(resource.typeUrl) ?? new Map<string, XdsResource>();
        types.set(resource.typeUrl, type.set(resource.name, resource));
      }
      const before = nodes.get(node) ?? new Map<string, TypeState>();
      const next = new Map<string, TypeState>();
      for (const typeUrl of new Set([...before.keys(), ...types.keys()])) {
        const now = types.get(typeUrl) ?? NOTHING;
        next.set(typeUrl, { version, resources: reused(before.get(typeUrl)?.resources ?? NOTHING, now) });
      }
      publish(node, next);
    },
    clear(node) {
      if (nodes.has(node)) publish(node, new Map());
    },
    add(request) {
      if (find(request) !== undefined) update(request);
      else put(request, made(request.typeUrl, request.name));
    },
    remove(request) {
      if (find(request) === undefined) return;
      const { node, typeUrl, name, version } = request;
      const types = new Map(nodes.get(node));
      const resources = new Map(types.get(typeUrl)?.resources);
      resources.delete(name);
      publish(node, types.set(typeUrl, { version, resources }));
    },
  };
}

/** The same objects where nothing changed: that is how the server sees it. */
function reused(
  before: ReadonlyMap<string, XdsResource>,
  now: ReadonlyMap<string, XdsResource>,
): ReadonlyMap<string, XdsResource> {
  let same = before.size === now.size;
  const result = new Map<string, XdsResource>();
  for (const [name, resource] of now) {
    const old = before.get(name);
    const isOld = old?.version === resource.version;
    same &&= isOld;
    result.set(name, isOld ? old : resource);
  }
  return same ? before : result;
}
