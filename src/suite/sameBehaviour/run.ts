/** One model on three real proxies: random requests to each, and what differs from the reference. */
import fc from "fast-check";
import type { FleetIr, HttpPortIr, ProxyKind } from "../../ir/index.ts";
import type { Document } from "../arbitrary/names.ts";
import { answerable, listeningModel } from "../arbitraryModel.ts";
import { compileDocument, renderFleet } from "../modelFiles.ts";
import { type Difference, differences, type Observation } from "./compare.ts";
import { type Behaviours, type Expectation, expectationOf } from "./expect.ts";
import { type ProbedEndpoints, probedEndpoints, type WrittenCheck } from "./probed.ts";
import { ADDRESSES, startProxy } from "./proxies.ts";
import { arbitraryRequest, bytesOf, type ProbeRequest } from "./requests.ts";
import { type Behaviour, exchange, freePort, type Place, PROBE_FIELD, type Upstreams, upstreams } from "./wire.ts";

/** One request that one proxy did not take as the reference says. */
export interface Mismatch {
  readonly proxy: ProxyKind;
  readonly request: ProbeRequest;
  readonly bytes: string;
  /** Id of the rule that the reference gives the request to. */
  readonly rule: string | null;
  readonly differences: readonly Difference[];
}

/** What came of one model. */
export interface Report {
  readonly requests: number;
  /** Requests that the reference sends to an upstream: a fuzz that only sees 404s proves nothing. */
  readonly forwarded: number;
  readonly mismatches: readonly Mismatch[];
  /** Probes of health checks that were not as the check says. */
  readonly faults: readonly string[];
}

/** Requests on their way to one proxy at a time. */
const CONCURRENCY = 8;
const DRAWN = 4;
const ANSWERING: readonly string[] = ["one", "two", "three"];
/** Ports that only root could listen on, and nothing does. */
const REFUSING = [1, 2];
const BEHAVIOURS: readonly (Behaviour | "refuse")[] = ["answer", "close", "answer", "refuse", "answer", "garbage"];

/** Model number `seed`, with as many requests to each proxy. */
export async function runModel(seed: number, requests: number): Promise<Report> {
  const drawn = drawModel(seed);
  const record = upstreams();
  const probed = await probedEndpoints((drawn.healthChecks ?? []) as WrittenCheck[]);
  try {
    const behaviours: Behaviours = {
      one: "answer",
      two: "answer",
      three: BEHAVIOURS[seed % BEHAVIOURS.length] as Behaviour,
      empty: "refuse",
    };
    const port = await freePort(Object.values(ADDRESSES));
    const endpoints = await openAll(record, behaviours);
    const answering = ANSWERING.filter((name) => behaviours[name] === "answer");
    const checks = { ports: probed.ports, clusters: answering };
    const document = answerable(drawn, { port, addresses: ADDRESSES, endpoints, checks });
    const { compiled, diagnostics } = compileDocument(document);
    if (compiled === null) throw new Error(`model ${seed} does not compile: ${JSON.stringify(diagnostics)}`);
    return await runFleets([...compiled.fleets.values()], { seed, requests, port, behaviours, record, probed });
  } finally {
    await Promise.all([record.stop(), probed.stop()]);
  }
}

/** Of a few models the one with the most rules: the first ones that fast-check draws are nearly empty. */
function drawModel(seed: number): Document {
  const drawn = fc.sample(fc.noBias(listeningModel), { seed, numRuns: DRAWN });
  const size = ({ routes = [] }: Document): number => JSON.stringify(routes).length;
  return drawn.sort((a, b) => size(b) - size(a))[0] ?? {};
}

async function openAll(record: Upstreams, behaviours: Behaviours): Promise<Record<string, readonly number[]>> {
  const opened: Record<string, readonly number[]> = {};
  for (const name of ANSWERING) {
    const behaviour = behaviours[name] as Behaviour | "refuse";
    opened[name] =
      behaviour === "refuse" ? REFUSING : [await record.open(name, behaviour), await record.open(name, behaviour)];
  }
  return opened;
}

interface Run {
  readonly seed: number;
  readonly requests: number;
  readonly port: number;
  /** Every connection begins with a header of the PROXY protocol, and comes from one address. */
  readonly isProxied: boolean;
  readonly behaviours: Behaviours;
  readonly record: Upstreams;
  readonly probed: ProbedEndpoints;
}

async function runFleets(fleets: readonly FleetIr[], plain: Omit<Run, "isProxied">): Promise<Report> {
  const [first] = fleets as [FleetIr];
  const httpPort = first.ports.find((port): port is HttpPortIr => port.kind === "http");
  if (httpPort === undefined) throw new Error("the model has one HTTP port");
  const run: Run = { ...plain, isProxied: httpPort.proxyProtocol !== null };
  const requests = fc.sample(fc.noBias(arbitraryRequest(httpPort)), { seed: run.seed, numRuns: run.requests });
  run.probed.expect(fleets.flatMap(({ clusters }) => clusters.flatMap(({ healthCheck }) => healthCheck ?? [])));
  const expectedOf = (ir: FleetIr) => requests.map((request) => expectationOf(ir, request, run.behaviours));
  const expected = expectedOf(first);
  // What a fleet writes into Via has its name.
  const results = await Promise.all(fleets.map((ir) => runProxy(ir, run, { requests, expected: expectedOf(ir) })));
  return {
    requests: requests.length,
    forwarded: expected.filter(({ outcomes }) => outcomes.some(({ asked }) => asked !== null)).length,
    mismatches: results.flat(),
    faults: run.probed.faults(),
  };
}

interface Plan {
  readonly requests: readonly ProbeRequest[];
  readonly expected: readonly Expectation[];
}

async function runProxy(
  ir: FleetIr,
  { port, record, isProxied }: Run,
  { requests, expected }: Plan,
): Promise<Mismatch[]> {
  const proxy = await startProxy(ir.proxy, renderFleet(ir), port);
  const mismatches: Mismatch[] = [];
  const one = async (index: number): Promise<void> => {
    const request = requests[index] as ProbeRequest;
    const expectation = expected[index] as Expectation;
    const probe = `${ir.proxy}-${index}`;
    const bytes = bytesOf(request, [[PROBE_FIELD, probe]]);
    const place = { address: ADDRESSES[ir.proxy], port };
    let found: readonly Difference[];
    try {
      const answer = await (isProxied
        ? exchange(place, proxyHeader(request.source, place) + bytes, { method: request.method })
        : exchange(place, bytes, request));
      const observation: Observation = { proxy: ir.proxy, answer, seen: record.take(probe) };
      found = differences(request, expectation, observation);
    } catch (error) {
      found = [{ what: "no answer", expected: expectation.outcomes.map(({ status }) => status), got: String(error) }];
    }
    if (found.length === 0) return;
    mismatches.push({ proxy: ir.proxy, request, bytes, rule: expectation.rule?.id ?? null, differences: found });
  };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < requests.length) await one(next++);
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  } finally {
    await proxy.stop();
  }
  return mismatches;
}

/** Version 1; the client's port is nobody's business. */
function proxyHeader(source: string, { address, port }: Place): string {
  return `PROXY TCP4 ${source} ${address} 4711 ${port}\r\n`;
}
