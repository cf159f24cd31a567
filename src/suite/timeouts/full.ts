/** A port to which no connection can be made: nothing answers, nothing refuses. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";

/** Listens for one connection and never takes it: others are not even refused. */
const DEAF = `
const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
  require("node:fs").writeSync(1, String(server.address().port));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;
/** What the kernel takes for such a backlog, and more. */
const FILLING_CONNECTIONS = 8;

/** Starts one on loopback. */
export async function startFull(): Promise<{ readonly port: number; readonly stop: () => void }> {
  const child: ChildProcess = spawn(process.execPath, ["-e", DEAF], { stdio: ["ignore", "pipe", "inherit"] });
  const [told] = await once(child.stdout as NonNullable<ChildProcess["stdout"]>, "data");
  const port = Number(told);
  const sockets = Array.from({ length: FILLING_CONNECTIONS }, () => connect(port, "127.0.0.1").on("error", () => {}));
  await new Promise((resolve) => setTimeout(resolve, 200));
  return {
    port,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      child.kill("SIGKILL");
    },
  };
}
