/** `trimtab agent`: every fleet that was named, each by itself, until it is time to stop. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { FoundProxy, TargetTools } from "../agent/index.ts";
import type { ProxyKind } from "../ir/index.ts";
import { lockFolder } from "../util/folderLock.ts";
import { makeDirectory } from "../util/makeDirectory.ts";
import type { Client } from "./client.ts";
import { followFleet } from "./follow.ts";
import { createPauses, DEFAULT_BACKOFF } from "./pauses.ts";
import type { FollowEvent } from "./types.ts";

/** A report is renewed this often, or at each poll where these are rarer; and is good for three times as long. */
const REPORT_MS = 10_000;
const TTL_REPORTS = 3;

/** Workers of an nginx that root starts are of another user: they pass through to what their files let them see, and list nothing. */
const ROOTS_MODE = 0o711;
const OWN_MODE = 0o700;
/** Whoever else may write there decides what runs here. */
const OTHERS_WRITE = 0o022;

export interface AgentRunOptions {
  readonly fleets: readonly string[];
  /** The proxies' name in their fleets. */
  readonly node: string;
  /** Absolute. */
  readonly runDir: string;
  readonly client: Client;
  readonly intervalMs: number;
  /** Names this process. */
  readonly run: string;
  readonly version: string;
  readonly find: (proxy: ProxyKind) => Promise<FoundProxy>;
  readonly tools: TargetTools;
  readonly random: () => number;
  readonly tell: (fleet: string, event: FollowEvent) => void;
  /** The folder is ours. */
  readonly onStart: () => void;
  readonly stop: AbortSignal;
}

/** Resolves when all has ended. Rejects with one sentence, before anything is started, when the folder cannot be had. */
export async function runAgent(options: AgentRunOptions): Promise<void> {
  const { runDir, fleets, node, run, intervalMs, stop, client } = options;
  await openFolder(runDir);
  const release = await lockFolder(runDir, "agent", `another \`trimtab agent\` runs in ${runDir}`);
  options.onStart();
  const reportMs = Math.max(REPORT_MS, intervalMs);
  const ttlSeconds = Math.ceil((reportMs * TTL_REPORTS) / 1_000);
  try {
    await Promise.all(
      fleets.map(async (fleet) => {
        const folder = join(runDir, fleet);
        makeDirectory(folder, folderMode());
        const reporter = { fleet, node, run, agentVersion: options.version, ttlSeconds };
        const pauses = createPauses({ intervalMs, ...DEFAULT_BACKOFF, random: options.random });
        const tell = (event: FollowEvent): void => options.tell(fleet, event);
        const { find, tools } = options;
        await followFleet({ reporter, client, folder, find, tools, pauses, reportMs, tell }, stop);
      }),
    );
  } finally {
    client.close();
    await release();
  }
}

function folderMode(): number {
  return process.geteuid?.() === 0 ? ROOTS_MODE : OWN_MODE;
}

async function openFolder(folder: string): Promise<void> {
  makeDirectory(folder, folderMode());
  const { mode } = await stat(folder);
  if ((mode & OTHERS_WRITE) !== 0)
    throw new Error(`others can write to ${folder}, and so decide what runs: chmod go-w it`);
}
