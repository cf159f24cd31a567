/** The section that does what the chosen rule says: header changes, redirects, rewrites, choice of backend (`actions.hbs`). */
import type { HttpPortIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { type HeaderUse, type Use, usesOf } from "./fragment.ts";
import { weightsMap } from "./names.ts";
import { file, header, name, number } from "./quote.ts";

/** `actions.hbs`. */
export interface ActionsView {
  readonly responseHeaders: readonly HeaderView[];
  readonly requestHeaders: readonly HeaderView[];
  readonly prefix: PrefixView | null;
  readonly redirect: RedirectView | null;
  /** The maps that only some ports have; null: no rule of this port needs it. */
  readonly idleFile: Quoted<"file"> | null;
  readonly respondFile: Quoted<"file"> | null;
  readonly backendFile: Quoted<"file">;
  readonly split: SplitView | null;
}

/** One of `set`, `add`, `remove` is the field's name; the others are null. */
export interface HeaderView {
  readonly set: Quoted<"header"> | null;
  readonly add: Quoted<"header"> | null;
  readonly remove: Quoted<"header"> | null;
  readonly file: Quoted<"file">;
}

/** How a matched prefix is replaced: its length by rule, what stands for it by rule, and the lengths that occur. */
export interface PrefixView {
  readonly lengthFile: Quoted<"file">;
  /** Null: every rule strips. */
  readonly valueFile: Quoted<"file"> | null;
  readonly lengths: readonly Quoted<"number">[];
}

/** The parts of a `Location` by rule, and the statuses that occur. */
export interface RedirectView {
  readonly statusFile: Quoted<"file">;
  readonly schemeFile: Quoted<"file">;
  readonly hostFile: Quoted<"file"> | null;
  readonly portFile: Quoted<"file"> | null;
  readonly pathFile: Quoted<"file"> | null;
  /** `:8080`, or null where it is the scheme's default. */
  readonly httpPort: Quoted<"name"> | null;
  readonly httpsPort: Quoted<"name"> | null;
  readonly statuses: readonly Quoted<"number">[];
}

/** Which backend each place of a split is, by rule, and the lists of weights that occur. */
export interface SplitView {
  readonly file: Quoted<"file">;
  readonly weights: readonly {
    readonly key: Quoted<"name">;
    readonly total: Quoted<"number">;
    readonly file: Quoted<"file">;
  }[];
}

/** A port with its joined fragments. */
export interface ActionsInput {
  readonly port: HttpPortIr;
  /** The maps that the port has. */
  readonly lines: ReadonlyMap<string, string>;
  readonly uses: ReadonlyMap<string, Use>;
  readonly mapFile: (map: string) => Quoted<"file">;
}

/** The actions of all rules of a port. */
export function actionsView({ port, lines, uses, mapFile }: ActionsInput): ActionsView {
  const optional = (map: string): Quoted<"file"> | null => (lines.has(map) ? mapFile(map) : null);
  const changes = usesOf(uses, "header").map(({ change }) => change);
  const headersOf = (direction: HeaderUse["direction"]): HeaderView[] =>
    changes.filter((change) => change.direction === direction).map((change) => headerView(change, mapFile(change.map)));
  const lengths = usesOf(uses, "prefixLength").map(({ length }) => number(length));
  const weights = usesOf(uses, "weights").map((use) => ({
    key: name(use.key),
    total: number(sum(use.weights)),
    file: file(weightsMap(use.key)),
  }));
  return {
    responseHeaders: headersOf("response"),
    requestHeaders: headersOf("request"),
    prefix:
      lengths.length === 0
        ? null
        : { lengthFile: mapFile("prefix-length"), valueFile: optional("prefix-value"), lengths },
    redirect: redirectView({ port, lines, uses, mapFile }),
    idleFile: optional("idle"),
    respondFile: optional("respond"),
    backendFile: mapFile("backend"),
    split: weights.length === 0 ? null : { file: mapFile("split"), weights },
  };
}

function headerView({ change, header: field }: HeaderUse, mapFile: Quoted<"file">): HeaderView {
  const none = { set: null, add: null, remove: null };
  return { ...none, [change]: header(field), file: mapFile };
}

function redirectView({ port, lines, uses, mapFile }: ActionsInput): RedirectView | null {
  const statuses = usesOf(uses, "redirectStatus").map(({ status }) => number(status));
  if (statuses.length === 0) return null;
  const optional = (map: string): Quoted<"file"> | null => (lines.has(map) ? mapFile(map) : null);
  const suffix = name(`:${port.port}`);
  return {
    statusFile: mapFile("redirect-status"),
    schemeFile: mapFile("redirect-scheme"),
    hostFile: optional("redirect-host"),
    portFile: optional("redirect-port"),
    pathFile: optional("redirect-path"),
    httpPort: port.port === 80 ? null : suffix,
    httpsPort: port.port === 443 ? null : suffix,
    statuses,
  };
}

/** Sum of weights: the range of the random number. */
export function sum(weights: readonly number[]): number {
  return weights.reduce((total, weight) => total + weight, 0);
}
