/** The names under which a resource may be asked for, beside its own. */
import type { XdsResource } from "./types.ts";
import { isXdstp, normalised } from "./xdstp.ts";

const NONE: readonly string[] = [];

/** Aliases, and the name with its parameters in order when it is written otherwise. */
export function otherNames(resource: XdsResource): readonly string[] {
  const aliases = resource.aliases ?? NONE;
  if (!isXdstp(resource.name)) return aliases;
  const ordered = normalised(resource.name);
  return ordered === resource.name ? aliases : [...aliases, ordered];
}
