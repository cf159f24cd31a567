import { expect, test } from "vitest";
import { parseCpuList } from "./cpuList.ts";

test.each([
  ["0", [0]],
  ["0-3", [0, 1, 2, 3]],
  ["7,0-2,5-5", [7, 0, 1, 2, 5]],
  ["3-1", null],
  ["1,1", null],
  ["0-3,2", null],
])("%s", (text, cpus) => {
  expect(parseCpuList(text)).toEqual(cpus);
});
