import { hostname } from "node:os";
import { Option } from "commander";
import type { Declaration } from "../command.ts";
import { withConnection, withLog } from "../options.ts";
import { fleetNames, folderName, nodeName, pollInterval } from "../values.ts";

/** Where an agent keeps its proxies' files when nobody says otherwise. */
const DEFAULT_RUN_DIR = "trimtab-agent";
/** As long as two reloads are apart. */
const DEFAULT_INTERVAL_MS = 2_000;

/** `trimtab agent`: runs nginx and HAProxy of this machine as a control plane elsewhere says. */
export const agent: Declaration = (program, { runners, done }) => {
  withLog(withConnection(program.command("agent")), "info")
    .description(
      "run the nginx or HAProxy of fleets on this machine: get their files, check, swap, reload, prove, report",
    )
    .requiredOption("--fleet <name>", "whose proxy to run; may be given several times", fleetNames)
    .addOption(
      new Option("--name <name>", "the proxy's name in its fleet (default: this machine's)")
        .env("TRIMTAB_AGENT_NAME")
        .argParser(nodeName),
    )
    .addOption(
      new Option("--run-dir <dir>", "where files, the last good ones too, and sockets are kept")
        .env("TRIMTAB_RUN_DIR")
        .default(DEFAULT_RUN_DIR)
        .argParser(folderName),
    )
    .addOption(
      new Option("--interval <time>", "how often to ask for new files")
        .default(DEFAULT_INTERVAL_MS, "2s")
        .argParser(pollInterval),
    )
    .action((options) => done(runners.agent({ ...options, name: options.name ?? nodeName(hostname()) })));
};
