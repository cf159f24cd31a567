/** What the templates of `templates/nginx/` are given: one type per template. Every text in them is quoted. */
import type { Quoted } from "../../util/templates.ts";
import type { Literal, Location, MapEntries, Param, Regex, Value, Variable, Word } from "./quote.ts";

/** Text that one of our templates rendered. */
export type Block = Quoted<"block">;

/** The view that each template takes. */
export interface Views {
  readonly nginx: ConfigurationView;
  readonly http: HttpView;
  readonly map: MapView;
  readonly split: SplitView;
  readonly upstream: UpstreamView;
  readonly server: ServerView;
  readonly virtualHost: VirtualHostView;
  readonly locations: LocationsView;
  readonly ruleLocations: RuleLocationsView;
  readonly forward: ClassView;
  readonly respond: ClassView;
  readonly redirect: ClassView;
  readonly stream: StreamView;
}

/** Renders one template; given by `render.ts`, so that lowering knows no templates. The text ends with its newline. */
export type RenderBlock = <Name extends keyof Views>(name: Name, view: Views[Name]) => Block;

/** `nginx.hbs`. */
export interface ConfigurationView {
  readonly http: Block;
  /** Null without TCP ports: nginx may have been built without the stream module. */
  readonly stream: Block | null;
}

/** `http.hbs`. */
export interface HttpView {
  /** How long a client's idle connection outlives a reload; null: nginx is too old for that. */
  readonly keepaliveMin: Word | null;
  readonly mapHashMaxSize: Word;
  readonly mapHashBucketSize: Word;
  readonly variablesHashMaxSize: Word;
  readonly maps: readonly Block[];
  readonly splits: readonly Block[];
  readonly upstreams: readonly Block[];
  readonly servers: readonly Block[];
}

/** `map.hbs`. */
export interface MapView {
  readonly source: Param;
  readonly name: Variable;
  readonly hostnames: boolean;
  /** Looked up anew at each use, because its source changes while a request is routed. */
  readonly volatile: boolean;
  readonly entries: MapEntries;
  readonly fallback: Value;
}

/** `split.hbs`: `split_clients`. */
export interface SplitView {
  readonly seed: Param;
  readonly name: Variable;
  /** The last one's share is `*`. */
  readonly shares: readonly { readonly share: Word; readonly upstream: Word }[];
}

/** `upstream.hbs`. */
export interface UpstreamView {
  readonly name: Word;
  /** `name` or `name size`. */
  readonly zone: Word;
  readonly zoneSize: Word | null;
  readonly leastRequest: boolean;
  readonly endpoints: readonly { readonly address: Word; readonly weight: Word }[];
  /** Idle connections that a worker keeps; null in the stream block. */
  readonly keepalive: Word | null;
}

/** `server.hbs`. */
export interface ServerView {
  readonly listen: Word;
  /** Gives the virtual host's location prefix, or nothing. */
  readonly virtualHost: Variable;
  readonly responseHeaders: readonly { readonly name: Word; readonly value: Param }[];
  readonly virtualHosts: readonly Block[];
  readonly ruleLocations: readonly Block[];
  readonly classes: readonly Block[];
}

/** `virtualHost.hbs`. */
export interface VirtualHostView {
  readonly hostname: Word;
  readonly trees: readonly TreeView[];
}

/** A location and the locations in it. */
export interface TreeView {
  readonly name: Location;
  /** Of `locations.hbs`. */
  readonly locations: readonly Block[];
  /** What the tree does when none of its locations takes the request. Null: 404. */
  readonly regexes: { readonly target: Variable; readonly prefixes: Param } | null;
}

/** `locations.hbs`: some of a tree's locations. */
export interface LocationsView {
  readonly locations: readonly GroupView[];
}

/** One path group: either `direct` or `lookup`. */
export interface GroupView {
  readonly location: Location;
  /** The rule's id. */
  readonly direct: Word | null;
  readonly lookup: {
    readonly group: Word;
    readonly signature: Word;
    readonly result: Variable;
    /** Nothing found: 404. */
    readonly notFound: boolean;
    /** Nothing found: on to this. */
    readonly next: Param | null;
  } | null;
}

/** `ruleLocations.hbs`. */
export interface RuleLocationsView {
  readonly locations: readonly RuleLocationView[];
}

/** The step between a rule and its class that replaces the matched prefix. */
export interface RuleLocationView {
  readonly name: Location;
  readonly pattern: Regex;
  readonly replacement: Param;
}

/** What the rules of one policy share: `forward.hbs`, `respond.hbs`, `redirect.hbs`. */
export type ClassView = ForwardClassView | RespondClassView | RedirectClassView;

/** `forward.hbs`. `hidden` and `passed` are fields of the backend's answer; `pattern` takes the raw path from the location's. */
export interface ForwardClassView {
  readonly kind: "forward";
  readonly name: Location;
  readonly pattern: Regex;
  readonly connectTimeout: Word;
  readonly idleTimeout: Word;
  readonly requestHeaders: readonly { readonly name: Word; readonly value: Param }[];
  readonly hidden: readonly { readonly name: Word }[];
  readonly passed: readonly { readonly name: Word }[];
}

/** `respond.hbs`. */
export interface RespondClassView {
  readonly kind: "respond";
  readonly name: Location;
  readonly contentType: Literal;
  readonly status: Word;
  readonly body: Param;
}

/** `redirect.hbs`. `target` is the whole Location; `pattern` as in `ForwardClassView`. */
export interface RedirectClassView {
  readonly kind: "redirect";
  readonly name: Location;
  readonly pattern: Regex;
  readonly status: Word;
  readonly target: Param;
}

/** `stream.hbs`. */
export interface StreamView {
  readonly splits: readonly Block[];
  readonly upstreams: readonly Block[];
  readonly servers: readonly TcpServerView[];
}

export interface TcpServerView {
  readonly listen: Word;
  /** Null: connections are closed. */
  readonly upstream: Value | null;
  readonly connectTimeout: Word;
  readonly idleTimeout: Word;
}
