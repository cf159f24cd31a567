/** Names of our own in the configuration. All derive from the IR's ids or from content, never from running numbers. */
import { contentHash } from "../../util/hash.ts";
import { type Variable, variable } from "./quote.ts";

/** `x-a-b` -> `x_a_b`: unique, because header names have no underscore. The same for port ids. */
export function underscored(name: string): string {
  return name.replaceAll("-", "_");
}

/** The first value of a request header (all values, comma-joined, from nginx 1.23 on). */
export function headerVariable(name: string): Variable {
  return variable(`http_${underscored(name)}`);
}

/** The upstream group of a cluster. Distinct from every host that a request can name. */
export function upstreamName(cluster: string): string {
  return `cl_${cluster}`;
}

/** Prefix of the names of a virtual host's locations: `v<hash>/` for all, `p:` for the prefixes of a host with regexes. */
export const prefixesOf = (virtualHostId: string): string => `p:${virtualHostId}`;

/** A short name for a value: the same value, the same name. Remembers what it hashed; use one for one rendering. */
export type Namer = (kind: string, value: unknown) => string;

/** 40 bits: among 10 000 different values a collision by chance has a probability of 5e-5; a longer name costs every line. */
const NAME_HEX_DIGITS = 10;

/** Makes a namer. Throws when two values of one kind would get one name. */
export function createNamer(): Namer {
  const known = new Map<string, string>();
  const owners = new Map<string, string>();
  return (kind, value) => {
    const text = `${kind} ${JSON.stringify(value)}`;
    const old = known.get(text);
    if (old !== undefined) return old;
    const name = contentHash(text).slice(0, NAME_HEX_DIGITS);
    if (owners.has(kind + name)) throw new Error(`two ${kind} named ${name}`);
    owners.set(kind + name, text);
    known.set(text, name);
    return name;
  };
}
