/** What a compiler remembers, all by identity of its inputs: it saves work and changes no result. One per `createCompiler`. */
import type {
  AuthorityIr,
  CertificateIr,
  ClusterIr,
  GeoTableIr,
  PoliciesIr,
  PortIr,
  RuleIr,
  SourceIr,
  VirtualHostIr,
} from "../ir/index.ts";
import type { Resource } from "../model/index.ts";
import { createInterner, type Interner } from "./interner.ts";
import { createPathMatcher, type PathMatcher } from "./pathMatcher.ts";
import type { Preference } from "./preference.ts";

export interface CompilerMemory {
  readonly interner: Interner;
  /** Of the rule that was compiled last; null: none was. */
  latestPolicies: PoliciesIr | null;
  readonly rules: WeakMap<Resource<"route">, RulesOfRoute>;
  readonly clusters: WeakMap<Resource<"cluster">, ClusterWithCheck>;
  readonly certificates: WeakMap<Resource<"certificate">, CertificateIr>;
  readonly authorities: WeakMap<Resource<"authority">, AuthorityIr>;
  readonly sources: WeakMap<Resource, SourceIr>;
  /** How many rules of a list name each cluster. */
  readonly clusterCounts: WeakMap<readonly RuleIr[], ReadonlyMap<string, number>>;
  readonly geoTables: WeakMap<Resource<"geoTable">, GeoTableIr>;
  /** The tables that a list of rules asks. */
  readonly geoTablesOfRules: WeakMap<readonly RuleIr[], readonly string[]>;
  readonly geoLabels: WeakMap<Resource<"geoTable">, ReadonlySet<string>>;
  readonly preferences: WeakMap<Resource<"cluster">, PreferenceOfTable>;
  readonly nearRules: WeakMap<RuleIr, NearRules>;
  readonly groupedPorts: WeakMap<PortIr, PortIr>;
  readonly groupedHosts: WeakMap<VirtualHostIr, VirtualHostIr>;
  readonly paths: PathMatcher;
}

/** The rules that were made of a route, and the canaries that they were made with. */
export interface RulesOfRoute {
  readonly canaries: readonly Resource<"canary">[] | undefined;
  readonly rules: readonly RuleIr[];
}

/** A compiled cluster, and the health check and authority that it was compiled with. */
export interface ClusterWithCheck {
  readonly check: Resource<"healthCheck"> | undefined;
  readonly authority: Resource<"authority"> | undefined;
  readonly ir: ClusterIr;
}

/** What a cluster prefers, and the table that it was made with. */
export interface PreferenceOfTable {
  readonly table: Resource<"geoTable">;
  readonly preference: Preference;
}

/** What was made of a rule, and of what its clusters prefer. */
export interface NearRules {
  readonly own: readonly Preference[];
  readonly rules: readonly RuleIr[];
}

/** Nothing remembered yet. */
export function createMemory(): CompilerMemory {
  return {
    interner: createInterner(),
    latestPolicies: null,
    rules: new WeakMap(),
    clusters: new WeakMap(),
    certificates: new WeakMap(),
    authorities: new WeakMap(),
    sources: new WeakMap(),
    clusterCounts: new WeakMap(),
    geoTables: new WeakMap(),
    geoTablesOfRules: new WeakMap(),
    geoLabels: new WeakMap(),
    preferences: new WeakMap(),
    nearRules: new WeakMap(),
    groupedPorts: new WeakMap(),
    groupedHosts: new WeakMap(),
    paths: createPathMatcher(),
  };
}
