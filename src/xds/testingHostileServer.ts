/** The server that hostile clients meet, in a process of its own: its memory is nobody else's. */
import { setEngineFlags } from "../util/engineFlags.ts";
import { createXdsServer, type XdsResource } from "./index.ts";
import { CLUSTER, ENDPOINT, fleet, LISTENER, naming, ROUTE, resource } from "./testing.ts";
import { CLUSTERS } from "./testingHostile.ts";
import { answerParent } from "./testingProcess.ts";
import { meterTurns } from "./testingTurnMeter.ts";

const CONTENT = "x".repeat(150);
/** How often memory and the event loop are looked at. */
const SAMPLE_MS = 20;

setEngineFlags();
const errors: string[] = [];
const server = createXdsServer({ identifier: "trimtab/hostile", onError: (error) => void errors.push(String(error)) });
process.on("uncaughtException", (error) => void errors.push(`uncaught: ${error.stack}`));
const edge = fleet(server);
const list = (typeUrl: string): XdsResource[] =>
  Array.from({ length: CLUSTERS }, (_, index) => resource(typeUrl, `c${index}`, CONTENT));
const clusters = list(CLUSTER);
const others = [...list(ENDPOINT), resource(LISTENER, "l"), naming(resource(ROUTE, "r"), "c0")];
edge.set(...clusters, ...others);

let peak = 0;
setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, SAMPLE_MS);

const longestTurn = meterTurns();

const answers = {
  listen: () => server.listen("127.0.0.1:0"),
  /** Since the last call: the most memory, and the longest turn of the event loop. */
  figures() {
    const figures = { rss: Math.max(peak, process.memoryUsage.rss()), turnMs: longestTurn() };
    peak = 0;
    return figures;
  },
  state() {
    const { ended, openStreams, clientBytes, staleNonces, requests } = server.metrics();
    return { ended: Object.fromEntries(ended), openStreams, clientBytes, staleNonces, requests, errors };
  },
  /** Changes one cluster so many times, with a look at the network in between. */
  async update(times: number) {
    for (let time = 0; time < times; time++) {
      clusters[1] = resource(CLUSTER, "c1", `${time}-${CONTENT}`);
      edge.set(...clusters, ...others);
      if (time % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return null;
  },
};
export type HostileServer = typeof answers;
answerParent(answers);
