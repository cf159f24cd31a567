/** A connection can be made; where the check says so, something is sent and a text must come. */
import { connectionError, endsWithin, textSearch } from "./answer.ts";
import { dial } from "./endpointTls.ts";
import type { Probe } from "./types.ts";

/** `tcp` of a health check. */
export const probeTcp: Probe = (at, { timeoutMs, tcp }, tls) => {
  const { send = null, expect = null } = tcp ?? {};
  return endsWithin(timeoutMs, (end) => {
    const { socket, ready } = dial(at, tls);
    socket.on("error", (error) => end(connectionError(error)));
    socket.on("close", () => end("it closed the connection without the expected text"));
    socket.on(ready, () => {
      if (expect !== null && send !== null) socket.write(send);
      else if (send !== null) socket.write(send, () => end(null));
      else if (expect === null) end(null);
    });
    if (expect !== null) {
      const search = textSearch(expect);
      socket.on("data", (chunk) => {
        const verdict = search(chunk);
        if (verdict === "found") end(null);
        if (verdict === "full") end("the expected text is not in what it sent first");
      });
    }
    return () => socket.destroy();
  });
};
