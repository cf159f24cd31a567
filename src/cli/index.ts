/**
 * The command line room.
 *
 * Input: argv and environment. Output: text for people or JSON, and an exit code. Guarantee: offline commands need no server
 * and say what the server would say; every problem carries file, line and column; what goes wrong ends in one line. It has
 * no rules of its own, and the commands that run for long (`serve`, `dev`, `agent`) are handed in by program.ts. What one
 * command needs is loaded when it runs: no other waits for it.
 */
export { EXIT, processIo } from "./output.ts";
export { type AgentOptions, type DevRunOptions, runProgram, type ServeOptions } from "./program.ts";
export { readText } from "./readText.ts";
export { splitFleetFile } from "./values.ts";
