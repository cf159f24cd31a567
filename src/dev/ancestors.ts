/** The npm that started this process, and the shell between, if there is one. */
import { readFileSync } from "node:fs";

/** npm calls itself "npm start", "npm exec trimta" and the like. */
const NPM = /^npm( |$)/;
/** A script of npm's that is this program itself, and waits for it. */
const OWN_SCRIPT = /^[^&]*(src\/main\.ts|trimtab)[^&]*$/;

export interface Ancestors {
  /** Whether each still is the parent of the next. */
  areThere(): boolean;
}

/** Null: npm is neither our parent nor our parent's (or there is no /proc to tell). */
export function npmAncestors(): Ancestors | null {
  const parent = process.ppid;
  const { name, parent: above } = look(parent);
  if (NPM.test(name)) return { areThere: () => process.ppid === parent };
  if (NPM.test(look(above).name)) return { areThere: () => process.ppid === parent && look(parent).parent === above };
  const isOver = OWN_SCRIPT.test(process.env.npm_lifecycle_script ?? "") && (isOrphan(process.pid) || isOrphan(parent));
  return isOver ? { areThere: () => false } : null;
}

/** It lost its parent: who has it now is of another session. npm may end while we load. */
function isOrphan(pid: number): boolean {
  const { session, parent } = look(pid);
  const { session: above } = look(parent);
  return session !== pid && session > 0 && above >= 0 && above !== session;
}

interface Process {
  readonly name: string;
  readonly parent: number;
  /** -1: not known. */
  readonly session: number;
}

/** Fields 2 (in brackets), 4 and 6 of /proc/PID/stat. */
function look(pid: number): Process {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const end = stat.lastIndexOf(")");
    const [, parent, , session] = stat.slice(end + 2).split(" ");
    return { name: stat.slice(stat.indexOf("(") + 1, end), parent: Number(parent), session: Number(session) };
  } catch {
    return { name: "", parent: 0, session: -1 };
  }
}
