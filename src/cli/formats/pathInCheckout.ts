/** Where services that show problems beside the lines look for a file. */
import { isAbsolute, normalize, relative, resolve } from "node:path";

/**
 * From the root of the checkout, wherever in it the program runs: GitHub's runners name the root. What lies outside stays as it
 * is given, less `./` and the like.
 */
export function pathInCheckout(file: string): string {
  const { GITHUB_WORKSPACE: root = "" } = process.env;
  if (isAbsolute(root)) {
    const path = relative(root, resolve(file));
    if (path !== "" && path !== ".." && !path.startsWith("../")) return path;
  }
  return normalize(file);
}
