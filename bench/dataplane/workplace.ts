/** A folder of the run, and the ports of its upstreams. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "./http.ts";
import { freePorts, type Upstreams } from "./ports.ts";
import { startUpstreams } from "./upstreams.ts";

/** An nginx of ten lines listens within some milliseconds. */
const POLL_MS = 10;

export interface Place {
  readonly folder: string;
  readonly upstreams: Upstreams;
  /** Runs something while the upstreams of the figures listen. */
  withUpstreams<T>(work: () => Promise<T>): Promise<T>;
}

/** Runs something in a folder that is gone afterwards. */
export async function inWorkplace<T>(work: (place: Place) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "trimtab-dataplane-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  const [blue = 0, green = 0, red = 0] = await freePorts(3);
  const upstreams = { blue, green, red };
  const place: Place = {
    folder,
    upstreams,
    async withUpstreams(inner) {
      const running = startUpstreams(join(folder, "upstreams"), upstreams);
      try {
        while (!(await listens(blue))) {
          const ended = running.ended();
          if (ended !== null) throw new Error(ended);
          await sleep(POLL_MS);
        }
        return await inner();
      } finally {
        await running.stop();
      }
    },
  };
  try {
    return await work(place);
  } finally {
    process.off("exit", remove);
    remove();
  }
}

function listens(port: number): Promise<boolean> {
  return Connection.open({ port }).then(
    (connection) => {
      connection.close();
      return true;
    },
    () => false,
  );
}
