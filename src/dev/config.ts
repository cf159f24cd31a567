/** What `dev` itself reads from the configuration: which sockets it needs, and which echo upstreams are asked for. */
import { isMap, isSeq, type Node, parse, parseDocument, type YAMLMap } from "yaml";
import { defaults } from "../gen/defaults.ts";
import type { ProxyKind } from "../ir/index.ts";
import { PROXY_KINDS } from "../targets/registry.ts";

/** A cluster with this label gets an echo upstream per endpoint: `http` or `tcp`. */
const ECHO_LABEL = "echo";

/** A listener as one fleet opens it. */
export interface DevListener {
  readonly name: string;
  readonly fleet: string;
  readonly proxy: ProxyKind;
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
}

export interface DevEcho {
  /** The cluster's name. */
  readonly name: string;
  readonly kind: "http" | "tcp";
  readonly address: string;
  readonly port: number;
}

/** A fleet with a proxy that is known. */
export interface DevFleetConfig {
  readonly name: string;
  readonly proxy: ProxyKind;
  /** Where its listeners are that say nothing. */
  readonly address: string;
}

export interface DevConfig {
  readonly fleets: readonly DevFleetConfig[];
  /** One entry per listener and fleet. */
  readonly listeners: readonly DevListener[];
  readonly echoes: readonly DevEcho[];
  /** A host that a first request can be tried with, or null. */
  readonly sampleHost: string | null;
  /** The first canary with its steps, as it stands in the document; null: none. */
  readonly canary: Readonly<Record<string, unknown>> | null;
}

/** Replacements that come from flags or the environment. */
export interface Overrides {
  /** Listener and endpoint ports: as written -> as wanted. */
  readonly ports: ReadonlyMap<number, number>;
  /** Fleet -> bind address. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** Reads leniently: what has not the expected shape is left out, for the model's own checks report it far better. */
export function readDevConfig(text: string): DevConfig {
  const document = record(lenientParse(text));
  const fleets = records(document.fleets).flatMap((fleet): DevFleetConfig[] => {
    const proxy = PROXY_KINDS.find((kind) => kind === fleet.proxy);
    const address = String(fleet.bindAddress ?? defaults["fleet.bindAddress"]);
    return proxy === undefined ? [] : [{ name: String(fleet.name), proxy, address }];
  });
  const byName = new Map(fleets.map((fleet) => [fleet.name, fleet]));
  const listeners = records(document.listeners).flatMap((listener) =>
    list(listener.fleets).flatMap((name): DevListener[] => {
      const fleet = byName.get(String(name));
      return fleet === undefined || !isPort(listener.port)
        ? []
        : [
            {
              name: String(listener.name),
              fleet: fleet.name,
              proxy: fleet.proxy,
              address: String(listener.address ?? fleet.address),
              port: listener.port,
              protocol: String(listener.protocol),
            },
          ];
    }),
  );
  const hosts = records(document.routes)
    .flatMap((route) => list(route.hostnames))
    .map(String);
  return {
    fleets,
    listeners,
    echoes: records(document.clusters).flatMap(echoesOf),
    sampleHost: hosts.find((host) => !host.startsWith("*")) ?? hosts[0]?.replace("*", "any") ?? null,
    canary: records(document.canaries)[0] ?? null,
  };
}

/**
 * The text with ports and bind addresses replaced where they stand, so that problems keep their lines. Text that is no YAML
 * comes back as it is.
 */
export function overrideConfig(text: string, { ports, addresses }: Overrides): string {
  const document = parseDocument(text);
  if (document.errors.length > 0 || (ports.size === 0 && addresses.size === 0)) {
    return text;
  }
  const edits: { readonly from: number; readonly to: number; readonly text: string }[] = [];
  const replace = (owner: YAMLMap, key: string, value: string | undefined): void => {
    const range = (owner.get(key, true) as Node | undefined)?.range;
    if (value !== undefined && range) {
      edits.push({ from: range[0], to: range[1], text: value });
    }
  };
  const ported = [
    ...maps(document.get("listeners", true)),
    ...maps(document.get("clusters", true)).flatMap((cluster) => maps(cluster.get("endpoints", true))),
  ];
  for (const owner of ported) {
    replace(owner, "port", ports.get(Number(owner.get("port")))?.toString());
  }
  for (const fleet of maps(document.get("fleets", true))) {
    replace(fleet, "bindAddress", addresses.get(String(fleet.get("name"))));
  }
  return edits
    .toSorted((a, b) => b.from - a.from)
    .reduce((result, edit) => result.slice(0, edit.from) + edit.text + result.slice(edit.to), text);
}

/** One line for each override that changes nothing in this text; none for text that is no YAML. */
export function unusedOverrides(text: string, { ports, addresses }: Overrides): readonly string[] {
  const parsed = lenientParse(text);
  if (parsed === null) {
    return [];
  }
  const document = record(parsed);
  const used = new Set([
    ...records(document.listeners).map(({ port }) => port),
    ...records(document.clusters).flatMap(({ endpoints }) => records(endpoints).map(({ port }) => port)),
  ]);
  const fleets = new Map(records(document.fleets).map((fleet) => [fleet.name, fleet]));
  const reason = (fleet: string): string =>
    fleets.has(fleet) ? `fleet ${fleet} has no bindAddress that could be replaced` : `there is no fleet ${fleet}`;
  return [
    ...[...ports]
      .filter(([from]) => !used.has(from))
      .map(([from, to]) => `--port ${from}=${to} (or TRIMTAB_PORTS): no listener or endpoint has port ${from}.`),
    ...[...addresses]
      .filter(([fleet]) => fleets.get(fleet)?.bindAddress === undefined)
      .map(([fleet, address]) => `--bind ${fleet}=${address} (or TRIMTAB_BIND): ${reason(fleet)}.`),
  ];
}

/**
 * Reads `8080=18080,9000=19000` and `edge-nginx=127.0.0.22` (either may be empty).
 *
 * @throws RangeError that names the part that cannot be read.
 */
export function parseOverrides(ports: string, addresses: string): Overrides {
  const portPairs = pairs(ports, "PORT=PORT").map(([from, to]): [number, number] => {
    if (!isPort(Number(from)) || !isPort(Number(to))) {
      throw new RangeError(`not two ports: ${from}=${to}`);
    }
    return [Number(from), Number(to)];
  });
  return { ports: new Map(portPairs), addresses: new Map(pairs(addresses, "FLEET=ADDRESS")) };
}

function pairs(text: string, shape: string): [string, string][] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const [key, value, ...rest] = part.split("=");
      if (!key || !value || rest.length > 0) {
        throw new RangeError(`${part} is not ${shape}`);
      }
      return [key, value];
    });
}

function echoesOf(cluster: Readonly<Record<string, unknown>>): DevEcho[] {
  const kind = record(cluster.labels)[ECHO_LABEL];
  if (kind !== "http" && kind !== "tcp") {
    return [];
  }
  return records(cluster.endpoints).flatMap(({ address, port }) =>
    isPort(port) ? [{ name: String(cluster.name), kind, address: String(address), port }] : [],
  );
}

function lenientParse(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function records(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return list(value).map(record);
}

function maps(node: unknown): YAMLMap[] {
  return isSeq(node) ? node.items.filter((item) => isMap(item)) : [];
}
