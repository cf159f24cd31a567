/** Files that need each other: none of them can be understood, tested or moved without the others. */

interface Importing {
  readonly path: string;
  readonly imports: readonly { readonly text: string }[];
}

/**
 * The circles of imports, each as its files in the order of a walk around it. Types count: what names another's type knows it.
 * Of circles that share files one is told; the others show when it is broken.
 */
export function importCircles(sources: readonly Importing[]): string[][] {
  const imports = new Map(sources.map(({ path, imports: all }) => [path, all.map(({ text }) => text)]));
  const circles: string[][] = [];
  const finished = new Set<string>();
  /** From a file where the walk began to the one at hand. */
  const way: string[] = [];
  const visit = (path: string): void => {
    if (finished.has(path)) return;
    const before = way.indexOf(path);
    if (before >= 0) {
      circles.push(way.slice(before));
      return;
    }
    way.push(path);
    for (const imported of imports.get(path) ?? []) if (imports.has(imported)) visit(imported);
    way.pop();
    finished.add(path);
  };
  for (const { path } of sources) visit(path);
  return circles;
}
