/** After a failed test: the last lines of the program's and the proxies' logs, once per file. */
import { afterEach } from "vitest";
import { e2e } from "./context.ts";
import { logTail } from "./process.ts";

let told = false;

afterEach(({ task }) => {
  if (told || task.result?.state !== "fail") return;
  told = true;
  const { program, proxies } = e2e();
  const logs = [
    ["trimtab", logTail(program.child)],
    ...Object.values(proxies).map((proxy) => [proxy.kind, logTail(proxy.child)]),
  ];
  console.error(logs.map(([name, text]) => `--- ${name}\n${text}`).join("\n"));
});
