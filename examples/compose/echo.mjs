/** An upstream: HTTP on 8080 answers what it was sent, as JSON; TCP on 9000 sends back what it gets. `--health`: whether one answers. */
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";

const name = process.argv[2] ?? "echo";

if (name === "--health") {
  const { ok } = await fetch("http://127.0.0.1:8080/");
  process.exit(ok ? 0 : 1);
}

createHttpServer((request, response) => {
  const body = JSON.stringify({ name, method: request.method, path: request.url, headers: request.headers });
  request.resume();
  response.writeHead(200, { "content-type": "application/json", "x-echo": name }).end(`${body}\n`);
}).listen(8080);

// Half-open: the other side may have finished sending and still wait for the rest.
createTcpServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
}).listen(9000);
