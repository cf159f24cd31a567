/** The npm that started this process, and the shell between, if there is one. */
import { readFileSync } from "node:fs";

/** npm calls itself "npm start", "npm exec trimta" and the like. */
const NPM = /^npm( |$)/;

export interface Ancestors {
  /** Whether each still is the parent of the next. */
  areThere(): boolean;
}

/** Null: npm is neither our parent nor our parent's (or there is no /proc to tell). */
export function npmAncestors(): Ancestors | null {
  const parent = process.ppid;
  const { name, parent: above } = look(parent);
  if (NPM.test(name)) return { areThere: () => process.ppid === parent };
  if (!NPM.test(look(above).name)) return null;
  return { areThere: () => process.ppid === parent && look(parent).parent === above };
}

/** Fields 2 (in brackets) and 4 of /proc/PID/stat. */
function look(pid: number): { readonly name: string; readonly parent: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const end = stat.lastIndexOf(")");
    return { name: stat.slice(stat.indexOf("(") + 1, end), parent: Number(stat.slice(end + 2).split(" ")[1]) };
  } catch {
    return { name: "", parent: 0 };
  }
}
