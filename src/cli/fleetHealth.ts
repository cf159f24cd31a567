/** Whether fleets are well, as a server tells it. */
import { listIn, refusalText, type ServerOptions, send } from "./client.ts";
import { read } from "./serverRead.ts";

/** A fleet, what is wrong with it, and whether its newest revision is everywhere. */
export interface FleetHealth {
  readonly fleet: string;
  readonly state: string;
  readonly publishedRevision: number | null;
  readonly listeners: number;
  readonly proxies: number;
  /** One line each; none: it is well. */
  readonly problems: readonly string[];
  /** Nothing is still under way. */
  readonly settled: boolean;
}

/** Requests at a time. */
const AT_ONCE = 8;
/** Lines of one fleet: thousands of proxies may refuse the same. */
const MAX_PROBLEMS = 20;

/** As far as it is read here. */
interface Status {
  readonly fleet: string;
  readonly state: string;
  readonly publishedRevision?: number | null;
  readonly error?: { readonly code: string; readonly message: string } | null;
  readonly listeners?: readonly { readonly listener: string; readonly state: string; readonly reason: string | null }[];
}

interface Proxy {
  /** `poll`: somebody who fetched files, of whom no more is known. */
  readonly source?: string;
  readonly nodeId?: string;
  /** Of proxies that pull. */
  readonly types?: readonly {
    readonly typeUrl: string;
    readonly sent: string | null;
    readonly acked: string | null;
    readonly nacked: { readonly message: string } | null;
  }[];
  /** Of proxies that an agent starts. */
  readonly state?: string;
  readonly generation?: string | null;
  readonly wanted?: { readonly generation: string } | null;
  readonly lastError?: string | null;
}

/** Of all fleets, or of one. Throws when the server is not ready, or there is no such fleet. */
export async function fleetHealths(server: ServerOptions, name: string | undefined): Promise<readonly FleetHealth[]> {
  const statuses = await statusesOf(server, name);
  const healths: FleetHealth[] = [];
  for (let at = 0; at < statuses.length; at += AT_ONCE) {
    const some = statuses.slice(at, at + AT_ONCE).map(async (status) => {
      const answer = await read(server, `/v1/fleets/${status.fleet}/proxies`);
      return healthOf(
        status,
        (listIn(answer, "items") as readonly Proxy[]).filter(({ source }) => source !== "poll"),
      );
    });
    healths.push(...(await Promise.all(some)));
  }
  return healths.sort((a, b) => (a.fleet < b.fleet ? -1 : 1));
}

/** Files of a fleet are made when somebody asks for them: asks, and looks at nothing. */
export async function askForFiles(server: ServerOptions, fleet: string): Promise<void> {
  await send(server, { method: "HEAD", path: `/v1/fleets/${fleet}/files` });
}

async function statusesOf(server: ServerOptions, name: string | undefined): Promise<readonly Status[]> {
  if (name !== undefined) return [(await read(server, `/v1/fleets/${name}/status`)).body as unknown as Status];
  const answer = await send(server, { method: "GET", path: "/readyz?verbose" });
  if (answer.status !== 200) throw new Error(refusalText(answer));
  return listIn(answer, "fleets") as unknown as readonly Status[];
}

function healthOf(
  { fleet, state, publishedRevision = null, error = null, listeners = [] }: Status,
  proxies: readonly Proxy[],
): FleetHealth {
  const problems: string[] = [];
  if (error !== null) problems.push(`${error.code}: ${error.message}`);
  for (const { listener, state: stands, reason } of listeners)
    if (stands === "waiting") problems.push(`listener ${listener} waits: ${reason ?? "no reason is known"}`);
  for (const proxy of proxies) problems.push(...problemsOf(proxy));
  const more = problems.length - MAX_PROBLEMS;
  const told = more > 0 ? [...problems.slice(0, MAX_PROBLEMS), `and ${more} more`] : problems;
  const settled = state === "current" && proxies.every(hasAll);
  return {
    fleet,
    state,
    publishedRevision,
    listeners: listeners.length,
    proxies: proxies.length,
    problems: told,
    settled,
  };
}

function problemsOf({
  nodeId = "without a name",
  types = [],
  state = "serving",
  lastError = null,
}: Proxy): readonly string[] {
  const refused = types.flatMap(({ typeUrl, nacked }) =>
    nacked === null ? [] : [`proxy ${nodeId} refuses ${typeUrl.split(".").at(-1)}: ${nacked.message}`],
  );
  if (lastError !== null) return [...refused, `proxy ${nodeId} is ${state}: ${lastError}`];
  return state === "degraded" || state === "failed" ? [...refused, `proxy ${nodeId} is ${state}`] : refused;
}

function hasAll({ types = [], generation = null, wanted = null }: Proxy): boolean {
  const hasFiles = wanted === null || generation?.startsWith(wanted.generation) === true;
  return hasFiles && types.every(({ sent, acked, nacked }) => nacked === null && sent === acked);
}
