/** What commands read from a server. */
import {
  applyChanges,
  carryStates,
  changeTo,
  diffSnapshots,
  emptySnapshot,
  type Snapshot,
  validateConfig,
} from "../model/index.ts";
import { finish } from "../util/steps.ts";
import { type Answer, isObject, refusalText, type ServerOptions, send } from "./client.ts";

/** One revision of the history. */
export interface Revision {
  readonly revision: number;
  readonly time: string;
  readonly author: string;
  readonly message: string;
  readonly changes: readonly { readonly resource: string; readonly change: "created" | "updated" | "deleted" }[];
}

/** The body of a GET that must succeed. Throws one line for a person when it does not. */
export async function read(
  server: ServerOptions,
  path: string,
): Promise<Answer & { readonly body: Readonly<Record<string, unknown>> }> {
  const answer = await send(server, { method: "GET", path });
  if (answer.status !== 200 || !isObject(answer.body)) throw new Error(refusalText(answer));
  return { ...answer, body: answer.body };
}

/** The configuration as it was at a revision; 0 is the empty one. */
export async function configAt(server: ServerOptions, revision: number): Promise<unknown> {
  return revision === 0 ? {} : (await read(server, `/v1/revisions/${revision}`)).body.config;
}

/** A configuration as a server tells it, as a model. Throws when this program does not understand it. */
export function modelOf(config: unknown): Snapshot {
  const { resources, diagnostics } = validateConfig(config);
  const [first] = diagnostics;
  if (first !== undefined)
    throw new Error(`the server's model is not one that this version knows: ${first.pointer || "/"}: ${first.message}`);
  return applyChanges(emptySnapshot, resources.map(changeTo));
}

/** What becomes of a server's model when another takes its place: canaries stay where they stand. */
export function replacedBy(before: Snapshot, next: Snapshot): Snapshot {
  const { changes, restarted } = finish(carryStates(before, diffSnapshots(before, next)));
  return applyChanges(before, [...changes, ...restarted]);
}
