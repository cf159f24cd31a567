/** A client that behaves, in a process of its own, and how long it waits for answers. */
import { CLUSTER, connect, NODE, type TestStream } from "./testing.ts";
import { answerParent } from "./testingProcess.ts";

/** Between two questions. */
const PAUSE_MS = 10;
/** Every so many questions comes by a new stream. */
const REOPEN = 10;
/** Waiting longer than this is a failure. */
const PATIENCE_MS = 60_000;

let waits: number[] = [];
const failures: string[] = [];
let onAnswer = (): void => {};

async function askOn(stream: TestStream, fields: object): Promise<void> {
  const start = performance.now();
  try {
    stream.send({ typeUrl: CLUSTER, resourceNamesSubscribe: ["c0"], ...fields });
    const { nonce } = await stream.next(PATIENCE_MS);
    waits.push(performance.now() - start);
    stream.send({ typeUrl: CLUSTER, responseNonce: nonce });
  } catch (error) {
    waits.push(PATIENCE_MS);
    failures.push(String(error));
  }
  onAnswer();
}

async function run(address: string): Promise<void> {
  const client = connect(address);
  const variant = { delta: true, ads: true };
  const steady = client.stream(variant);
  await askOn(steady, { node: NODE });
  for (let count = 1; ; count++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (count % REOPEN !== 0) {
      await askOn(steady, {});
      continue;
    }
    const fresh = client.stream(variant);
    await askOn(fresh, { node: NODE });
    fresh.halfClose();
  }
}

const answers = {
  start(address: string) {
    void run(address);
    return null;
  },
  /** Milliseconds waited for each answer since the last call. */
  waits() {
    const taken = waits;
    waits = [];
    return taken;
  },
  /** After the next answer: what went wrong so far. */
  async answered() {
    await new Promise<void>((resolve) => {
      onAnswer = resolve;
    });
    return failures;
  },
};
export type GoodClient = typeof answers;
answerParent(answers);
