/** For tests that calculate for a minute: beside them run others that look at the clock. */
import { constants, setPriority } from "node:os";

/** Lets every other process go first, from now on: a test file has a process of its own. */
export function giveWay(): void {
  setPriority(constants.priority.PRIORITY_LOW);
}
