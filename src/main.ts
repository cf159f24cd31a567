#!/usr/bin/env node
/**
 * The entry: tells who has too old a Node so, in one line, and runs the program otherwise. It imports nothing before it has looked, and
 * the build brings it into words that Node 12 reads: there it would else end in a stack trace.
 */

/** As `engines` in package.json says: of older ones the CPU time of a thread is not to be had. */
const OLDEST_NODE = [22, 19] as const;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  process.stderr.write(`trimtab: Node ${OLDEST_NODE.join(".")} or newer is needed; this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else {
  import("./program.ts").then(({ run }) => run());
}
