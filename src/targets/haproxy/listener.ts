/** One HTTP socket: the file of its listener, its maps, the bodies of its answers. */
import type { HttpPortIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { createRuns } from "../../util/runs.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { namedPort } from "../namedPort.ts";
import { type Fragment, finished, joinFragments, newFragment } from "./fragment.ts";
import { callNotFound, takesCalls } from "./grpc.ts";
import { createHostWriter } from "./hosts.ts";
import { http3Files } from "./http3.ts";
import { isSameContext, type ListenerContext } from "./listenerContext.ts";
import { listenerText } from "./listenerText.ts";
import { certificateList, listenerFile, listenerMap } from "./names.ts";
import { addRule } from "./rules.ts";
import { countLines, type HostLines, shapeOf } from "./shape.ts";
import { createTurnNamer, type TurnNamer } from "./sharedTurns.ts";
import { createSurveyor, type Surveyor } from "./survey.ts";
import { certificateListText, misdirected } from "./tls.ts";
import { lowerTlsPort } from "./tlsPort.ts";

/** Near the square root of the largest number of rules that is usual (10 000). */
const RULES_IN_RUN = 64;

/** What some rules add. */
interface MadeRules {
  readonly fragment: Fragment;
  /** By path. */
  readonly bodies: ReadonlyMap<string, string>;
  readonly context: ListenerContext;
}

/** Writes listeners, of a port and its distinct rules: text by path. What did not change since the last time is not written again. */
export type ListenerWriter = (
  port: HttpPortIr,
  rules: readonly RuleIr[],
  common: Pick<ListenerContext, "apart" | "section" | "accessLog" | "sharded">,
) => Steps<ReadonlyMap<string, string>>;

/** A writer with a memory of its own. */
export function createListenerWriter(): ListenerWriter {
  const turnName = createTurnNamer();
  const survey = createSurveyor();
  const linesOfHosts = createLineCounter(survey, turnName);
  const hosts = createHostWriter(survey);
  const rules = createRuns({
    length: RULES_IN_RUN,
    idOf: ({ id }: RuleIr) => id,
    make: lowerRules,
    holds: (made, context) => isSameContext(made.context, context),
  });
  return function* write(port, ownRules, common) {
    const [listener] = port.listeners;
    if (listener === undefined) throw new Error(`${port.id} has no listener`);
    const shape = shapeOf(yield* linesOfHosts(port.virtualHosts));
    const notFound = takesCalls(port) ? callNotFound : null;
    const context: ListenerContext = { ...common, port, listener, shape, turnName, notFound };
    const ofHosts = yield* hosts(port.virtualHosts, context);
    const ofRules = yield* rules(ownRules, context);
    const fragment = yield* joinFragments([...ofHosts, ...ofRules.map((made) => made.fragment)]);
    const files = new Map<string, string>();
    for (const [map, text] of fragment.maps) files.set(listenerMap(listener, map), text);
    for (const { bodies } of ofRules) for (const [path, text] of bodies) files.set(path, text);
    for (const [path, text] of misdirected(listener, port.tls)?.files ?? []) files.set(path, text);
    if (port.tls !== null) files.set(certificateList(listener), certificateListText(port.tls));
    for (const [path, text] of http3Files(listener, port)) files.set(path, text);
    const named = namedPort(port);
    const front = named === null ? new Map<string, string>() : lowerTlsPort(named, common);
    for (const [path, text] of front) files.set(path, text);
    const own = front.get(listenerFile(listener)) ?? "";
    files.set(listenerFile(listener), own + (own === "" ? "" : "\n") + listenerText(fragment, context));
    yield;
    return files;
  };
}

function* lowerRules(rules: readonly RuleIr[], context: ListenerContext): Steps<MadeRules> {
  const builder = newFragment();
  const bodies = new Map<string, string>();
  for (const [index, rule] of rules.entries()) {
    const body = addRule(builder, rule, context);
    if (body !== null) bodies.set(body.path, body.text);
    if (shouldYield(index)) yield;
  }
  return { fragment: finished(builder), bodies, context };
}

function createLineCounter(survey: Surveyor, turnName: TurnNamer) {
  const known = new WeakMap<VirtualHostIr, HostLines>();
  return function* count(hosts: readonly VirtualHostIr[]): Steps<readonly HostLines[]> {
    const counted: HostLines[] = [];
    for (const [index, host] of hosts.entries()) {
      const lines = known.get(host) ?? (yield* countLines(host, yield* survey(host), turnName));
      known.set(host, lines);
      counted.push(lines);
      if (shouldYield(index >> 4)) yield;
    }
    return counted;
  };
}
