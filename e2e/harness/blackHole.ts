/** A port of which connections cannot be made: nothing answers, nothing refuses. */
import { spawn } from "node:child_process";
import { once } from "node:events";

/** A listening socket that accepts nothing, with its queue full: the kernel drops what comes. Node always accepts, so Python does it. */
const SCRIPT = `
import socket, sys
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(0)
fill = []
for _ in range(8):
    client = socket.socket()
    client.setblocking(False)
    try:
        client.connect(server.getsockname())
    except BlockingIOError:
        pass
    fill.append(client)
print(server.getsockname()[1], flush=True)
sys.stdin.read()
`;

/** Starts one on loopback. */
export async function startBlackHole(): Promise<{ readonly port: number; readonly close: () => void }> {
  const child = spawn("python3", ["-c", SCRIPT], { stdio: ["pipe", "pipe", "inherit"] });
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  return { port: Number(String(text)), close: () => child.stdin.end() };
}
