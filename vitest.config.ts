/**
 * Three suites. `unit` runs beside the code; `e2e` runs the built program with real proxies as child processes;
 * `containers` runs the same requests with the proxies in containers.
 */
import { defineConfig } from "vitest/config";
import { BaseSequencer } from "vitest/node";

// Debian keeps nginx and haproxy in sbin folders, which are not on a plain user's PATH.
process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** Files that take half a minute or more begin first: what begins late ends late. */
const LONG =
  /(singleEdits|anyModel|leafEffect|envoyFaults|hostile|fileAgent|realClients|takenPort|src\/main|incremental|serverCertificateFiles)\.test\.ts$/;

class LongFirst extends BaseSequencer {
  override async sort(files: Parameters<BaseSequencer["sort"]>[0]): ReturnType<BaseSequencer["sort"]> {
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

function isLong({ moduleId }: { readonly moduleId: string }): boolean {
  return LONG.test(moduleId);
}

/** Images are built, proxies started and stopped. */
const CONTAINER_TIMEOUT_MS = 600_000;

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    projects: [
      // Vitest leaves one core free, of two; but tests wait for real proxies half of their time.
      {
        test: { name: "unit", include: ["src/**/*.test.ts"], maxWorkers: 2, testTimeout: 30_000, hookTimeout: 60_000 },
      },
      { extends: "./e2e/vitest.config.ts", root: "./e2e", test: { name: "e2e" } },
      {
        test: {
          name: "containers",
          include: ["e2e/containers/*.test.ts"],
          env: {
            // The tests stop what they start; the helper that testcontainers would start for that is one more image.
            TESTCONTAINERS_RYUK_DISABLED: "true",
            // The containers share this machine's network: no gateway to be found out.
            TESTCONTAINERS_HOST_OVERRIDE: "127.0.0.1",
          },
          fileParallelism: false,
          testTimeout: CONTAINER_TIMEOUT_MS,
          hookTimeout: CONTAINER_TIMEOUT_MS,
        },
      },
    ],
  },
});
