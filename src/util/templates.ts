/**
 * Templates for targets that render text: the files of `templates/<target>/`, compiled so that nothing but quoted text can
 * reach the output.
 *
 * A target names its landing places (for nginx: a parameter, a map key, a number, …). Each place is one function in the
 * target's `quote.ts` that turns a value into `Quoted<Place>`, and one helper of the same name in its templates:
 * `{{param value}}` accepts a `Quoted<"param">` and nothing else. A plain string, undefined, or text quoted for another place
 * throws. `lintTemplate` shows that no mustache bypasses the helpers. This file knows no proxy.
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

/**
 * The templates of a folder, compiled strictly; a template that `lintTemplate` finds fault with is refused. Nothing is read before the
 * first rendering: most commands render nothing.
 */
export function loadTemplates(templates: TemplateFolder): TemplateSet {
  let render: TemplateSet["render"] | null = null;
  return {
    render: (name, view) => {
      render ??= compileAll(templates);
      return render(name, view);
    },
  };
}

function compileAll({ folder, places }: TemplateFolder): TemplateSet["render"] {
  const environment = Handlebars.create();
  for (const place of places) environment.registerHelper(place, placeHelper(place));
  registerBlocks(environment);
  const knownHelpers = Object.fromEntries([...BLOCK_HELPERS, ...places].map((name) => [name, true]));
  const compiled = new Map<string, HandlebarsTemplateDelegate<object>>();
  // A template that is rendered as a part of another takes the helpers as they are. Otherwise each rendering would wrap all of them
  // anew, and each call of one would copy its options: half of the time, for what our helpers do not ask for.
  const asPart = { partial: true, helpers: environment.helpers };
  for (const [name, source] of readTemplates(folder)) {
    const faults = lintTemplate(source, places);
    if (faults.length > 0) throw new Error(`template ${name}: ${faults.join("; ")}`);
    // No template reads `@index` and the like: without them a block is one function, not one for each time that it is rendered.
    const options = { strict: true, noEscape: true, knownHelpersOnly: true, knownHelpers, data: false };
    compiled.set(name, environment.compile(source, options));
  }
  return (name, view) => {
    const template = compiled.get(name);
    if (template === undefined) throw new Error(`no template ${name} in ${folder}`);
    return template(view, asPart);
  };
}

/** Name (without extension) and source of every template of a folder, ascending by name. */
export function readTemplates(folder: string): readonly (readonly [string, string])[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(EXTENSION));
  return files.sort().map((file) => [file.slice(0, -EXTENSION.length), readFileSync(join(folder, file), "utf8")]);
}

function placeHelper(place: string): (...received: unknown[]) => string {
  return (...received) => {
    const value = received[0];
    if (typeof value === "object" && value !== null && (value as Partial<Quoted>)[brand] === place) {
      return (value as Quoted).text;
    }
    throw new TypeError(`{{${place}}} got ${describe(value)}`);
  };
}

function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return value === undefined ? "undefined" : `a bare ${typeof value}`;
  const place = (value as Partial<Quoted>)[brand];
  return place === undefined ? "an object that was not quoted" : `text quoted for ${place}`;
}

/** The built-in blocks read undefined as "no"; ours throw, so that a misspelt field cannot drop a section in silence. */
function registerBlocks(environment: typeof Handlebars): void {
  type Each = (this: unknown, list: unknown, options: Handlebars.HelperOptions) => string;
  const each: Each = (list, options) => {
    if (!Array.isArray(list)) throw new TypeError("{{#each}} got something that is not a list");
    let text = "";
    for (const entry of list) text += options.fn(entry);
    return text;
  };
  const choose = (wanted: boolean) =>
    function (this: unknown, condition: unknown, options: Handlebars.HelperOptions): string {
      if (condition === undefined) throw new TypeError("{{#if}} or {{#unless}} got undefined");
      const holds = Array.isArray(condition) ? condition.length > 0 : condition !== null && condition !== false;
      return holds === wanted ? options.fn(this) : options.inverse(this);
    };
  environment.registerHelper("each", each);
  environment.registerHelper("if", choose(true));
  environment.registerHelper("unless", choose(false));
}

/**
 * Faults of a template, as `line 3: …`: a mustache that is not `{{place path}}`, triple mustaches, partials, decorators,
 * subexpressions, blocks other than each, if and unless. Empty: all its output passes through a landing place.
 */
export function lintTemplate(source: string, places: readonly string[]): readonly string[] {
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
  walk(Handlebars.parse(source));
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
