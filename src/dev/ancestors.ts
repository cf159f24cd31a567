/** The processes between this one and the npm that started it. */
import { readFileSync } from "node:fs";

/** npm, or the shell between it and us, and npm. */
const MAX_ANCESTORS = 2;
/** npm calls itself "npm start", "npm exec trimta" and the like. */
const NPM = /^npm( |$)/;

export interface Ancestors {
  /** Whether each of them still is the parent of the next. */
  areThere(): boolean;
}

/** Those of now. Where /proc is missing, or no npm is near: the parent alone. */
export function createAncestors(): Ancestors {
  const pids = [process.ppid];
  while (pids.length < MAX_ANCESTORS && !NPM.test(look(pids.at(-1) as number).name)) {
    pids.push(look(pids.at(-1) as number).parent);
  }
  const [parent, above] = NPM.test(look(pids.at(-1) as number).name) ? pids : pids.slice(0, 1);
  return {
    areThere: () => process.ppid === parent && (above === undefined || look(parent as number).parent === above),
  };
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
