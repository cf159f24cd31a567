/** What every target gives: the contract between `registry.ts` and the folders beside it. */
import type { Diagnostic } from "../errors/diagnostic.ts";
import {
  type FleetIr,
  type JsonValue,
  type LeafPath,
  type ProxyKind,
  plainName,
  REDIRECT_TO_HTTPS,
  type RuleIr,
  redirectingListener,
  type VirtualHostIr,
} from "../ir/index.ts";
import type { Steps } from "../util/steps.ts";

/**
 * How a proxy does what a leaf asks for: exactly, or with one or several deviations. Each holds for some values or versions only
 * where `when` says so (default: for any value that is written).
 */
export type Support = "exact" | Deviation | readonly Deviation[];

/** An approximation (the write returns a warning) or a refusal. Its text completes a sentence that begins with the field and fleet. */
export type Deviation = Approximation | Refusal;

interface Approximation {
  readonly approximated: string;
  readonly code: string;
  readonly when?: When;
}

interface Refusal {
  readonly refused: string;
  readonly code: string;
  readonly when?: When;
}

/** Whether a deviation concerns this value of the leaf, on this version. */
export type When = (value: JsonValue, version: Version) => boolean;

/**
 * For a deviation that the leaf's own value does not show: `inspect` or `inspectRule` finds it, and the table says that it can
 * occur.
 */
export const foundByInspection: When = () => false;

/** All deviations of an entry. */
export function deviationsOf(support: Support): readonly Deviation[] {
  if (support === "exact") return [];
  return Array.isArray(support) ? (support as readonly Deviation[]) : [support as Deviation];
}

/** A verdict on every leaf of the schemas; a schema's new leaf does not compile until each target has judged it. */
export type Capabilities = Readonly<Record<LeafPath, Support>>;

/** `[major, minor, patch]`. */
export type Version = readonly [number, number, number];

/** One file of a rendered configuration. */
export interface RenderedFile {
  /** Relative path with `/`, no `..`. */
  readonly path: string;
  readonly text: string;
  /** 0o644, or 0o600 where secrets are. */
  readonly mode: number;
  /** References in the text that delivery replaces by what they stand for, each alone on a line. Absent: none. */
  readonly secrets?: readonly string[] | undefined;
}

/** Configuration as files; `generation` is the hash of their content, which the running proxy can tell back. */
export interface RenderedFiles {
  readonly kind: "files";
  /** Ascending by path. */
  readonly files: readonly RenderedFile[];
  /** 16 hex digits. Equal files (paths, texts, modes), equal generation: see generation.ts. */
  readonly generation: string;
  /** The sockets that a proxy with these files listens on, in the IR's order. */
  readonly sockets: readonly Socket[];
}

/** Where something listens. */
export interface Place {
  readonly address: string;
  readonly port: number;
  /** Not there: TCP. Both may have the same address and port. */
  readonly transport?: "udp";
}

/** Where a proxy listens, and for whom. */
export interface Socket extends Place {
  /** Names of the listeners behind it, ascending. */
  readonly listeners: readonly string[];
  /**
   * Path of the file that opens this socket, and nothing else but the one of UDP beside it (HTTP/3): without it the others are served as
   * they are.
   */
  readonly file: string;
}

/** The text of a socket's file, with its sockets at these places (one or more) instead of their own. */
export type Rebind = (text: string, places: readonly Place[]) => Steps<string>;

/** An endpoint of a cluster. */
export interface ClusterEndpoint extends Place {
  readonly cluster: string;
}

/** The files with these endpoints getting nothing new. Files that do not name them stay the same objects. */
export type TakeOut = (
  files: readonly RenderedFile[],
  endpoints: readonly ClusterEndpoint[],
) => Steps<readonly RenderedFile[]>;

/**
 * What a running proxy does to get from one rendering to another. none: nothing. runtime: takes it over without a new process
 * and without closing anything. reload: new workers beside the old, which finish their connections. listenerDrain: a listener
 * is replaced or closed and its connections are drained.
 */
export type Effect = "none" | "runtime" | "reload" | "listenerDrain";

/** What a running proxy takes over without new workers: nothing else of its files has changed. */
export interface RuntimeChange {
  readonly backends: readonly RuntimeBackend[];
  readonly maps: readonly RuntimeMap[];
  /** Files with a chain and its key, each replaced as a whole; the configuration names it by its path. */
  readonly certificates: readonly RenderedFile[];
}

/** A look-up table of which something changes. */
export interface RuntimeMap {
  /** As the configuration names it. */
  readonly path: string;
  /** All entries are replaced, as one; else these get their values, each by itself. */
  readonly isWhole: boolean;
  readonly entries: readonly { readonly key: string; readonly value: string }[];
}

/** A backend of which something changes. */
export interface RuntimeBackend {
  readonly name: string;
  /** All that it is to have. */
  readonly servers: readonly RuntimeServer[];
  /** What it has had besides. */
  readonly gone: readonly Pick<RuntimeServer, "name" | "words">[];
}

/** An endpoint as the proxy's runtime interface knows it. */
export interface RuntimeServer {
  readonly name: string;
  /** `address:port`. */
  readonly address: string;
  readonly weight: number;
  readonly isDisabled: boolean;
  readonly isNew: boolean;
  /** All else that it has, as one that is added would be told it. */
  readonly words: readonly string[];
}

/** One xDS resource. Structurally the record that `src/xds` takes. */
export interface RenderedResource {
  readonly typeUrl: string;
  readonly name: string;
  /** The serialised message (the value of its Any). */
  readonly bytes: Uint8Array;
  /** Content hash, at most 16 characters. */
  readonly version: string;
  /** Names of resources that must be there first: `[typeUrl, name]`. */
  readonly refs: readonly (readonly [string, string])[];
  /** Of one with secrets, whose `bytes` have references in their place: the message with them, made at delivery. Absent: none. */
  readonly opened?: ((open: (reference: string) => string) => Uint8Array) | undefined;
}

export interface RenderedResources {
  readonly kind: "resources";
  /** typeUrl -> name -> resource. An unchanged resource is the same object as in the last rendering. */
  readonly resources: ReadonlyMap<string, ReadonlyMap<string, RenderedResource>>;
}

/** What a target renders: files for nginx and HAProxy, xDS resources for Envoy. */
export type Rendered = RenderedFiles | RenderedResources;

/** The verdict of the proxy's own checker. */
export interface CheckResult {
  readonly ok: boolean;
  /** What the checker printed, paths cut to file names; empty when ok. */
  readonly message: string;
}

/** A diagnostic before it is known which fleet asks. */
export type Finding = Omit<Diagnostic, "fleet" | "proxy">;

/**
 * Bytes of memory that a rendering takes at most, measured (`bench/attack/products.ts`): a model is admitted by them. Of a virtual
 * host; of each rule in it; of a byte of the rule's texts; of a rule that is tried for a path after its first; of an endpoint.
 */
export interface RenderingCost {
  readonly host: number;
  readonly rule: number;
  readonly text: number;
  readonly lookup: number;
  readonly endpoint: number;
}

/** What a proxy can do, without what renders for it: constants and functions without memory. */
export interface Judge {
  readonly proxy: ProxyKind;
  /** What `render` gives. */
  readonly output: Rendered["kind"];
  readonly defaultVersion: Version;
  readonly capabilities: Capabilities;
  /** Whether `render` wants `VirtualHostIr.groups`. */
  readonly needsPathGroups: boolean;
  readonly cost: RenderingCost;
  /** Checks of the fleet as a whole that no leaf can express (versions too old, numbers of clusters). Looks at no rule. */
  readonly inspect: (ir: FleetIr) => readonly Finding[];
  /**
   * The same for one rule of a virtual host (sizes, combinations). It sees the host's names only, so it is asked once for each rule
   * that changed, and again when the names do.
   */
  readonly inspectRule: (rule: RuleIr, host: Pick<VirtualHostIr, "hostnames">) => readonly Finding[];
}

/** How a checker is run. */
export interface CheckOptions {
  /** Default: the proxy's name on PATH. */
  readonly binary?: string;
  /** In which folder the checked files are written for a moment, in one of their own. Default: the system's for such. */
  readonly folder?: string;
}

/** A proxy as a target: constants and functions without memory. */
export interface Target extends Judge {
  /** A renderer of its own memory: what it keeps of one rendering makes the next one cheap. One per pipeline. */
  readonly createRenderer: () => Renderer;
  /** Of a target whose output is no files: the same as files for people and for machines without a server. */
  readonly inFiles: ((rendered: Rendered, fleet: string) => Promise<readonly RenderedFile[]>) | null;
  /** What running proxies do when the one rendering follows the other; `before` null: they do not run yet. */
  readonly effect: (before: Rendered | null, after: Rendered) => Effect;
  /** For a listener whose new address is taken: it is served where it was. Null: the proxy does that by itself. */
  readonly rebind: Rebind | null;
  /**
   * How a running proxy gets from these files to those without new workers; null: it cannot. Absent: such a proxy never can, or it takes
   * all its changes so.
   */
  readonly runtimeChange?: (before: readonly RenderedFile[], after: readonly RenderedFile[]) => RuntimeChange | null;
  /** For endpoints that fail the probes of somebody else. Null: the proxy probes by itself. */
  readonly takeOut: TakeOut | null;
  /** Runs the proxy's own checker on a rendering, in which secrets are opened. */
  readonly check: (rendered: Rendered, options?: CheckOptions) => Promise<CheckResult>;
}

/** Pure and deterministic for the outside: its memory, by identity of IR nodes, saves work only. */
export interface Renderer {
  /** Of one fleet only one rendering may be under way. */
  readonly render: (ir: FleetIr) => Steps<Rendered>;
}

/**
 * Drops findings that say the same of the same place: a rule may serve several virtual hosts and ports, and have several matches.
 * Which one stays does not depend on their order: it is the one whose message comes first as text. What is found in a cluster that was
 * made for clients near a zone is said of the cluster of the model, and in a listener's own rule of the listener.
 */
export function distinctFindings(findings: Iterable<Finding>): Finding[] {
  const found = new Map<string, Finding>();
  for (const each of findings) {
    const finding = ofDocument(each);
    const place = `${finding.resource?.name} ${finding.pointer} ${finding.code}`;
    const other = found.get(place);
    if (other === undefined || finding.message < other.message) found.set(place, finding);
  }
  return [...found.values()];
}

function ofDocument(finding: Finding): Finding {
  const { resource } = finding;
  const listener = resource?.kind === "route" ? redirectingListener(resource.name) : null;
  if (listener !== null)
    return { ...finding, resource: { kind: "listener", name: listener }, pointer: REDIRECT_TO_HTTPS };
  if (resource?.kind !== "cluster" || plainName(resource.name) === resource.name) return finding;
  return { ...finding, resource: { ...resource, name: plainName(resource.name) } };
}

/** All that a target's inspections say of a fleet, each finding once. */
export function inspectFleet(target: Pick<Target, "inspect" | "inspectRule">, ir: FleetIr): readonly Finding[] {
  const found: Finding[] = [...target.inspect(ir)];
  for (const port of ir.ports) {
    if (port.kind !== "http") continue;
    for (const host of port.virtualHosts) {
      for (const rule of host.rules) found.push(...target.inspectRule(rule, host));
    }
  }
  return distinctFindings(found);
}
