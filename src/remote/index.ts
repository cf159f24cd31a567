/**
 * The remote room: `trimtab agent`, proxies of this machine that follow a control plane elsewhere.
 *
 * Input: the REST API of a control plane, fleets' names, the proxies that are installed, a folder. Output: for each fleet its nginx or
 * HAProxy, run by the agent room, and reports of how it is.
 *
 * Guarantees: what was last proved to serve stands on disk and is run at the start before anybody is asked; as long as the control plane
 * cannot be reached, knows the fleet no more or gives what cannot be read, what runs runs on; it is asked again with growing pauses that
 * no two agents share. Files are applied by the agent room and nobody else. Nothing of an answer is trusted but the text of files: names,
 * paths, modes and sizes are judged first. When it ends, no process is left.
 *
 * Must not: know a target (what these give comes in as functions), the model, the publisher; follow a redirect; tell a token.
 */
export { createClient } from "./client.ts";
export { runAgent } from "./runAgent.ts";
export type { FollowEvent } from "./types.ts";
