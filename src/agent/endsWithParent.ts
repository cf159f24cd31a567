/** A command whose process ends when ours does, however that comes about. */
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { Command } from "./types.ts";

/** Of util-linux, which every Debian has: asks the kernel for a signal at the parent's death, and becomes the command. */
const SETPRIV = ["/usr/bin/setpriv", "/bin/setpriv"];
/** The proxies end at once on it, with their workers. */
const SIGNAL = "TERM";

/**
 * The command itself where that cannot be had (another system than Linux); `killLeftovers` of a later run then ends what is left. What is
 * not there is left as it is: the error shall name it.
 */
export function endsWithParent(command: Command): Command {
  const setpriv = SETPRIV.find((path) => existsSync(path));
  if (process.platform !== "linux" || setpriv === undefined) return command;
  if (!isAbsolute(command.binary) || !existsSync(command.binary)) return command;
  return { binary: setpriv, args: ["--pdeathsig", SIGNAL, "--", command.binary, ...command.args] };
}
