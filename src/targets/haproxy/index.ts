/**
 * The HAProxy target, for HAProxy 2.6 and later.
 *
 * Input: a fleet's IR, with path groups. Output: a folder that HAProxy is started with (`haproxy -W -f FOLDER`): `haproxy.cfg`
 * (limits, what is refused, what is forwarded, the clusters), `listener.<name>.cfg` for each socket, maps and bodies. HAProxy has
 * no include, but reads all `*.cfg` of a folder by name, `haproxy.cfg` before `listener.*`; so one `-f` is enough, as in the one
 * variable of Debian's unit (`CONFIG=FOLDER`), and a listener can be held up by leaving out its file. They stand side by side because
 * relative files are looked for beside the file that names them (`default-path config`), and because a folder that HAProxy is to read
 * must be there, also of a fleet without listeners.
 *
 * A request is looked up, not tried: host to site (`sites.map`), site and path to rule (`exact.map`, expressions, `prefix.map`), rule
 * to backend (`backends.map`). There the rules of a frontend end for all that just forward or answer; below stand paths with a choice
 * and draws among clusters. What a rule changes stands in the backends that it forwards to, and what it answers in a backend of its
 * own. Second forms, for many of a kind, stand behind the constants of shape.ts and changes.ts.
 *
 * Guarantee: pure and deterministic; names are the model's, so a change moves no neighbour's line, and of a step of weights only a
 * map changes, which a running process takes over (runtimeChange.ts); unchanged runs of hosts, rules and paths are not written again.
 * The files name no absolute path, no user, no log and no socket: a second `-f` of the agent's adds those (its own `global` section).
 *
 * It must not see the model, other targets, the network or the clock; only `check` touches the file system, in a temporary
 * folder, and only `quote.ts` turns text into configuration.
 */
import type { Target } from "../target.ts";
import { check } from "./check.ts";
import { effect } from "./effect.ts";
import { haproxyJudge } from "./judge.ts";
import { rebind } from "./rebind.ts";
import { createRenderer } from "./renderer.ts";
import { runtimeChange } from "./runtimeChange.ts";

/** HAProxy, as the registry lists it. */
export const haproxyTarget: Target = {
  ...haproxyJudge,
  createRenderer,
  inFiles: null,
  rebind,
  takeOut: null,
  effect,
  runtimeChange,
  check,
};
