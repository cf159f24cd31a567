/**
 * The nginx target (1.22 and later, http and stream).
 *
 * Input: the IR of a fleet, with path groups. Output: `nginx.conf` and the files that it includes, one for each socket. Guarantee: the
 * same IR gives the same bytes, whatever was rendered before; what did not change is not lowered again; no user text leaves its
 * quotes. The hosts that have the same rules are a `server`, and nginx's own search among its locations finds a path's rules; where
 * conditions choose among several, `if`s jump to the location of one. Must not: read the model, touch the network, or name anything of
 * the machine it will run on.
 */
import type { Target } from "../target.ts";
import { checkNginx } from "./check.ts";
import { effectOfNginx } from "./effect.ts";
import { nginxJudge } from "./judge.ts";
import { rebind } from "./rebind.ts";
import { createRenderer } from "./render.ts";
import { takeOut } from "./upstream/takeOut.ts";

/** nginx, as the registry lists it. */
export const nginxTarget: Target = {
  ...nginxJudge,
  createRenderer,
  inFiles: null,
  rebind,
  takeOut,
  effect: effectOfNginx,
  check: checkNginx,
};
