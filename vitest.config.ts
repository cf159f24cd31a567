/**
 * Three suites. `unit` runs beside the code; `e2e` runs the built program with real proxies as child processes;
 * `containers` runs the same e2e cases with the proxies in containers.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Debian keeps nginx and haproxy in sbin folders, which are not on a plain user's PATH.
process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** The e2e room starts what all its cases share here, once it has something to start. */
const e2eSetup = "e2e/globalSetup.ts";
const globalSetup = existsSync(fileURLToPath(new URL(e2eSetup, import.meta.url))) ? [e2eSetup] : [];

/** A case waits for proxies to start, reload and pass health checks. */
const E2E_TIMEOUT_MS = 120_000;

export default defineConfig({
  test: {
    projects: [
      {
        test: { name: "unit", include: ["src/**/*.test.ts"], testTimeout: 30_000, hookTimeout: 60_000 },
      },
      {
        test: {
          name: "e2e",
          include: ["e2e/cases/**/*.test.ts"],
          globalSetup,
          // One case at a time: they share the machine's cores with three proxies, and measure time.
          fileParallelism: false,
          testTimeout: E2E_TIMEOUT_MS,
          hookTimeout: E2E_TIMEOUT_MS,
        },
      },
      {
        test: {
          name: "containers",
          include: ["e2e/containers.test.ts"],
          fileParallelism: false,
          testTimeout: E2E_TIMEOUT_MS,
          hookTimeout: E2E_TIMEOUT_MS,
        },
      },
    ],
  },
});
