/**
 * Makes a fresh clone ready: dependencies, generated code, proxies. `npm start` and `npm test` run it first.
 *
 * Usage: `node src/tooling/setup.mjs start | test | pack`. Every step looks first and does nothing when nothing is to do. A
 * missing proxy is a named skip for `start` and an error for `test`, which also gets the generators of clients and newer proxies;
 * `pack` (`npm pack` runs it) needs none. Plain JavaScript without dependencies, because it runs before there are any, on Node 20: the
 * steps fetch the Node that everything else runs on.
 */
import { installClientTools } from "./setup/clients.mjs";
import { installDependencies } from "./setup/dependencies.mjs";
import { installEnvoy } from "./setup/envoy.mjs";
import { generateCode } from "./setup/generated.mjs";
import { installNewerProxies } from "./setup/newerProxies.mjs";
import { installProxies } from "./setup/packages.mjs";
import { SetupError, say } from "./setup/shell.mjs";

/** Below this even the steps here do not run. */
const OLDEST_NODE = 20;

async function main(mode) {
  if (Number(process.versions.node.split(".")[0]) < OLDEST_NODE)
    throw new SetupError(`Node ${OLDEST_NODE} or newer is needed, this is ${process.versions.node}`);
  await installDependencies();
  await generateCode();
  if (mode === "pack") return;
  const missing = [...(await installProxies()), ...(await installEnvoy())];
  if (mode === "test") missing.push(...(await installClientTools()), ...(await installNewerProxies()));
  for (const line of missing) say(line);
  if (missing.length === 0) return;
  if (mode === "test") throw new SetupError(`npm test needs everything: ${missing.length} missing, named above`);
  say("going on without what is missing");
}

try {
  await main(process.argv[2] ?? "start");
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`set-up failed: ${error.message}`);
  process.exitCode = 1;
}
