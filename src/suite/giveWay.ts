/** For tests that calculate for a minute: beside them run others that look at the clock. */
import { setPriority } from "node:os";

/** Others get three times as much of a core: more would stop these tests where others never rest. */
const NICE = 5;

/** Lets other processes go first, from now on: a test file has a process of its own. */
export function giveWay(): void {
  setPriority(NICE);
}
