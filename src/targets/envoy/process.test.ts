import { expect, test } from "vitest";
import { USUAL_PROCESS } from "../../ir/index.ts";
import { envoyArguments, envoyLauncher } from "./process.ts";

test("what nobody asks for is not there", () => {
  expect(envoyArguments(USUAL_PROCESS).join(" ")).toBe(
    "--drain-time-s 60 --parent-shutdown-time-s 75 --drain-strategy immediate",
  );
  expect(envoyLauncher(USUAL_PROCESS)).toEqual([]);
});

test("no word has a blank: a shell takes the line apart", () => {
  const asked = { ...USUAL_PROCESS, workers: 2, cpus: [0, 5], openFiles: 4096, maxConnections: 7 };
  const words = [...envoyLauncher(asked), ...envoyArguments(asked)];
  expect(words.filter((word) => !/^[^\s'$\\`*?]+$/.test(word))).toEqual([]);
  expect(envoyLauncher(asked)).toEqual(["taskset", "--cpu-list", "0,5", "prlimit", "--nofile=4096:4096"]);
  const yaml = envoyArguments(asked).at(-1) as string;
  expect(JSON.parse(yaml)).toMatchObject({
    overload_manager: { resource_monitors: [{ typed_config: { max_active_downstream_connections: 7 } }] },
  });
});
