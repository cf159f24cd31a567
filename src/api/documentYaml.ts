/** Whole configurations as YAML. */
import { stringify } from "yaml";
import type { Steps } from "../util/steps.ts";
import { YAML_SLICE } from "./limits.ts";

/** The document's collections as block YAML, a few resources in each step. */
export function* documentYaml(document: Readonly<Record<string, readonly unknown[]>>): Steps<string> {
  const parts: string[] = [];
  for (const [collection, list] of Object.entries(document)) {
    parts.push(`${collection}:\n`);
    for (let index = 0; index < list.length; index += YAML_SLICE) {
      parts.push(stringify(list.slice(index, index + YAML_SLICE), { aliasDuplicateObjects: false, lineWidth: 0 }));
      yield;
    }
  }
  return parts.length === 0 ? "{}\n" : parts.join("");
}
