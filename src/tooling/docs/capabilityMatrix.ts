/** `docs/reference/capabilities.md`: what each proxy does with each field, from the targets' own tables. */
import { type LeafPath, leafPaths } from "../../gen/leafPaths.ts";
import { type Deviation, deviationsOf, type Target } from "../../targets/target.ts";
import { code, pageHead, table } from "./markdown.ts";

const INTRO = `What each proxy does with each field. **exact**: as the model means it. **approximated**: as near as the proxy
can; the write returns a warning. **refused**: the write is answered 422 when such a fleet would need it. A number leads to
the note below the table; "in part" means that only some values or some versions are concerned.`;

interface Note {
  readonly field: LeafPath;
  readonly proxy: string;
  readonly support: Deviation;
}

/** The whole page. */
export function capabilityMatrix(targets: readonly Target[]): string {
  const notes: Note[] = [];
  const kinds = [...new Set(leafPaths.map(kindOf))];
  const sections = kinds.map((kind) => {
    const rows = leafPaths.filter((leaf) => kindOf(leaf) === kind).map((leaf) => row(leaf, targets, notes));
    return `## ${kind}\n\n${table(["field", ...targets.map(({ proxy }) => proxy)], rows)}`;
  });
  return `${pageHead("Capabilities", INTRO)}\n${versions(targets)}\n${sections.join("\n")}\n${noteSection(notes)}`;
}

function versions(targets: readonly Target[]): string {
  const rows = targets.map(({ proxy, defaultVersion }) => [proxy, defaultVersion.join(".")]);
  return `The version that is assumed when a fleet names none:\n\n${table(["proxy", "version"], rows)}`;
}

function row(leaf: LeafPath, targets: readonly Target[], notes: Note[]): string[] {
  const cells = targets.map((target) => {
    const deviations = deviationsOf(target.capabilities[leaf]);
    const texts = deviations.map((support) => {
      notes.push({ field: leaf, proxy: target.proxy, support });
      const word = "refused" in support ? "refused" : "approximated";
      return `${word}${support.when === undefined ? "" : " in part"} [${notes.length}](#note-${notes.length})`;
    });
    return texts.length === 0 ? "exact" : texts.join(", ");
  });
  return [code(leaf.slice(kindOf(leaf).length + 1)), ...cells];
}

function noteSection(notes: readonly Note[]): string {
  if (notes.length === 0) return "";
  const items = notes.map(({ field, proxy, support }, index) => {
    const text = "refused" in support ? support.refused : support.approximated;
    return `### Note ${index + 1}\n\n${code(support.code)}: on ${proxy}, ${code(field)} ${text}\n`;
  });
  return `## Notes\n\n${items.join("\n")}`;
}

function kindOf(leaf: string): string {
  return leaf.slice(0, leaf.indexOf("."));
}
