/**
 * Names of the new kind, `xdstp://authority/type/id?context#directives`. The order of context parameters means nothing, and an id
 * that ends with `/*` stands for all that lies directly in that directory, with the same parameters.
 */
const SCHEME = "xdstp:";

/** True for `xdstp:` names. */
export function isXdstp(name: string): boolean {
  return name.startsWith(SCHEME);
}

/** The name with its context parameters in order; other names as they are. */
export function normalised(name: string): string {
  if (!isXdstp(name)) return name;
  const { path, context, rest } = parts(name);
  return context === "" ? name : `${path}?${context.split("&").sort().join("&")}${rest}`;
}

/** The glob that stands for a name of its directory; null: no `xdstp:` name, which no glob can stand for. */
export function globOver(name: string): string | null {
  if (!isXdstp(name)) return null;
  const { path, context } = parts(normalised(name));
  return `${path.slice(0, path.lastIndexOf("/"))}/*${context === "" ? "" : `?${context}`}`;
}

/** True when the name is a glob. */
export function isGlob(name: string): boolean {
  return isXdstp(name) && parts(name).path.endsWith("/*");
}

function parts(name: string): { path: string; context: string; rest: string } {
  const hash = name.indexOf("#");
  const rest = hash < 0 ? "" : name.slice(hash);
  const [path = "", context = ""] = (hash < 0 ? name : name.slice(0, hash)).split("?", 2);
  return { path, context, rest };
}
