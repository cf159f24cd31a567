/**
 * Templates for targets that render text: the files of `templates/<target>/`, compiled so that nothing but quoted text can
 * reach the output.
 *
 * A target names its landing places (for nginx: a parameter, a map key, a number, …). Each place is one function in the
 * target's `quote.ts` that turns a value into `Quoted<Place>`, and one helper of the same name in its templates:
 * `{{param value}}` accepts a `Quoted<"param">` and nothing else. A plain string, undefined, or text quoted for another place
 * throws. `lintTemplate` shows that no mustache bypasses the helpers. This file knows no proxy.
 *
 * Handlebars parses; the little that templates may hold is evaluated here, because its compiler takes tens of milliseconds for one
 * target's templates at their first use, and its runtime several times as long for each value.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import Handlebars from "handlebars";

const brand: unique symbol = Symbol("quoted");

/** Text that is safe at one landing place; made only by the function that `landingPlace` returned. */
export interface Quoted<Place extends string = string> {
  readonly [brand]: Place;
  readonly text: string;
}

/** Gives the one function that marks text as safe for `place`. Call it in a target's `quote.ts` only. */
export function landingPlace<Place extends string>(place: Place): (text: string) => Quoted<Place> {
  const empty: Quoted<Place> = { [brand]: place, text: "" };
  // A copy with another text: three times as fast as a literal with a computed key, and there are 100 000 of them.
  return (text) => ({ ...empty, text });
}

/** A compiled folder. */
export interface TemplateSet {
  /** Renders `<name>.hbs` with `view`. Throws when a value is missing or was quoted for another place. */
  readonly render: (name: string, view: object) => string;
}

export interface TemplateFolder {
  /** Folder with `<name>.hbs` files; see `templateFolder`. */
  readonly folder: string;
  /** Names of the landing places, which are the helpers' names too. */
  readonly places: readonly string[];
}

/** The block helpers that a template may use besides the landing places. */
const BLOCK_HELPERS = ["each", "if", "unless"];
const EXTENSION = ".hbs";

/** Absolute path of `templates/<target>`, both from the sources and from the built package. */
export function templateFolder(target: string): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "package.json")) || !existsSync(join(folder, "templates"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no templates folder above ${import.meta.dirname}`);
    folder = parent;
  }
  return join(folder, "templates", target);
}

/** Reads a folder. A template is parsed when it is first rendered, and refused when `lintTemplate` finds fault with it. */
export function loadTemplates({ folder, places }: TemplateFolder): TemplateSet {
  const sources = new Map(readTemplates(folder));
  const compiled = new Map<string, Part>();
  const compile = (name: string): Part => {
    const source = sources.get(name);
    if (source === undefined) throw new Error(`no template ${name} in ${folder}`);
    const program = Handlebars.parse(source);
    const faults = faultsOf(program, places);
    if (faults.length > 0) throw new Error(`template ${name}: ${faults.join("; ")}`);
    const part = programPart(program);
    compiled.set(name, part);
    return part;
  };
  return {
    render: (name, view) => {
      const part = compiled.get(name) ?? compile(name);
      // Joined once, so that the result is one flat string: `+=` would keep all its pieces alive as long as it is kept.
      const pieces: string[] = [];
      part({ view, outer: null }, pieces);
      return pieces.join("");
    },
  };
}

/** Name (without extension) and source of every template of a folder, ascending by name. */
export function readTemplates(folder: string): readonly (readonly [string, string])[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(EXTENSION));
  return files.sort().map((file) => [file.slice(0, -EXTENSION.length), readFileSync(join(folder, file), "utf8")]);
}

/** What a name is looked up in: an item of a list, and around it the view that holds the list. */
interface Scope {
  readonly view: unknown;
  readonly outer: Scope | null;
}

/** A piece of a template: adds its text. */
type Part = (scope: Scope, pieces: string[]) => void;

/** Only for what passed `lintTemplate`. */
function programPart(program: hbs.AST.Program | undefined): Part {
  const parts = (program?.body ?? []).filter(({ type }) => type !== "CommentStatement").map(statementPart);
  return (scope, pieces) => {
    for (const part of parts) part(scope, pieces);
  };
}

function statementPart(statement: hbs.AST.Statement): Part {
  if (statement.type === "ContentStatement") {
    const { value } = statement as hbs.AST.ContentStatement;
    return (_, pieces) => pieces.push(value);
  }
  const { path, params } = statement as hbs.AST.MustacheStatement | hbs.AST.BlockStatement;
  const helper = (path as hbs.AST.PathExpression).original;
  const value = lookUp(params[0] as hbs.AST.PathExpression);
  if (statement.type === "MustacheStatement") return placePart(helper, value);
  const block = statement as hbs.AST.BlockStatement;
  const [then, otherwise] = [programPart(block.program), programPart(block.inverse)];
  if (helper === "each") return eachPart(value, then);
  return helper === "if" ? choicePart(value, then, otherwise) : choicePart(value, otherwise, then);
}

/** The value of a path such as `a.b`, `this` or `../a`. */
function lookUp({ depth, parts }: hbs.AST.PathExpression): (scope: Scope) => unknown {
  return (scope) => {
    let from: Scope | null = scope;
    for (let level = 0; level < depth; level++) from = from?.outer ?? null;
    let value: unknown = from?.view;
    for (const part of parts) value = (value as Record<string, unknown>)[part];
    return value;
  };
}

function placePart(place: string, get: (scope: Scope) => unknown): Part {
  return (scope, pieces) => {
    const value = get(scope);
    if (typeof value !== "object" || value === null || (value as Partial<Quoted>)[brand] !== place) {
      throw new TypeError(`{{${place}}} got ${describe(value)}`);
    }
    pieces.push((value as Quoted).text);
  };
}

/** What is undefined throws here and in `choicePart`, so that a misspelt field cannot drop a section in silence. */
function eachPart(get: (scope: Scope) => unknown, body: Part): Part {
  return (scope, pieces) => {
    const list = get(scope);
    if (!Array.isArray(list)) throw new TypeError("{{#each}} got something that is not a list");
    for (const view of list) body({ view, outer: scope }, pieces);
  };
}

function choicePart(get: (scope: Scope) => unknown, then: Part, otherwise: Part): Part {
  return (scope, pieces) => {
    const condition = get(scope);
    if (condition === undefined) throw new TypeError("{{#if}} or {{#unless}} got undefined");
    const holds = Array.isArray(condition) ? condition.length > 0 : condition !== null && condition !== false;
    (holds ? then : otherwise)(scope, pieces);
  };
}

function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return value === undefined ? "undefined" : `a bare ${typeof value}`;
  const place = (value as Partial<Quoted>)[brand];
  return place === undefined ? "an object that was not quoted" : `text quoted for ${place}`;
}

/**
 * Faults of a template, as `line 3: …`: a mustache that is not `{{place path}}`, triple mustaches, partials, decorators,
 * subexpressions, blocks other than each, if and unless. Empty: all its output passes through a landing place.
 */
export function lintTemplate(source: string, places: readonly string[]): readonly string[] {
  return faultsOf(Handlebars.parse(source), places);
}

function faultsOf(whole: hbs.AST.Program, places: readonly string[]): readonly string[] {
  const faults: string[] = [];
  const walk = (program: hbs.AST.Program | undefined): void => {
    for (const statement of program?.body ?? []) {
      const fault = statementFault(statement, places);
      if (fault !== null) faults.push(`line ${statement.loc.start.line}: ${fault}`);
      if (statement.type === "BlockStatement") {
        const block = statement as hbs.AST.BlockStatement;
        walk(block.program);
        walk(block.inverse);
      }
    }
  };
  walk(whole);
  return faults;
}

function statementFault(statement: hbs.AST.Statement, places: readonly string[]): string | null {
  switch (statement.type) {
    case "ContentStatement":
    case "CommentStatement":
      return null;
    case "MustacheStatement": {
      const mustache = statement as hbs.AST.MustacheStatement;
      return mustache.escaped ? callFault(mustache, places) : "triple mustache";
    }
    case "BlockStatement":
      return callFault(statement as hbs.AST.BlockStatement, BLOCK_HELPERS);
    default:
      return `${statement.type} is not allowed`;
  }
}

function callFault(
  call: hbs.AST.MustacheStatement | hbs.AST.BlockStatement,
  allowed: readonly string[],
): string | null {
  const name = call.path.type === "PathExpression" ? (call.path as hbs.AST.PathExpression).original : call.path.type;
  if (!allowed.includes(name)) return `"${name}" is not a helper`;
  const [parameter] = call.params;
  const isPath = call.params.length === 1 && parameter?.type === "PathExpression";
  if (!isPath || (call.hash?.pairs.length ?? 0) > 0) return `"${name}" takes one path and nothing else`;
  return null;
}
