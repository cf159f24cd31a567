import { defineConfig } from "vitest/config";

/** One program and three proxies for all files, and each file makes the whole model its own: so one file at a time. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["cases/**/*.test.ts"],
    globalSetup: ["harness/globalSetup.ts"],
    setupFiles: ["harness/onFailure.ts"],
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
