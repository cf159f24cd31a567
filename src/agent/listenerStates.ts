/** Whether each listener takes connections where it is to, and since when. */
import { compareText } from "../util/sorted.ts";
import { isSame } from "./busySockets.ts";
import type { Memory } from "./memory.ts";
import type { ListenerState } from "./types.ts";

/** What is remembered of listeners is when their state changed. */
export interface ListenerStates {
  /** The states by what the agent knows now, by name; null: none has changed. */
  update(memory: Memory): readonly ListenerState[] | null;
  all(): readonly ListenerState[];
}

interface Known {
  readonly state: ListenerState;
  /** Equal: nothing has changed. */
  readonly key: string;
}

/** Starts without listeners: an agent that was given no files has none. */
export function createListenerStates(): ListenerStates {
  let known: ReadonlyMap<string, Known> = new Map();
  const all = (): readonly ListenerState[] => [...known.values()].map(({ state }) => state);
  return {
    update: (memory) => {
      const before = known;
      const since = new Date().toISOString();
      known = new Map(found(memory, since).map((now) => [now.state.listener, now]));
      let isChanged = before.size !== known.size;
      const kept = new Map<string, Known>();
      for (const [name, now] of known) {
        const old = before.get(name);
        isChanged ||= old?.key !== now.key;
        kept.set(name, old?.key === now.key ? old : now);
      }
      known = kept;
      return isChanged ? all() : null;
    },
    all,
  };
}

/** What proxies print has times and process ids, which make the same error look new at each try. */
export function withoutNumbers(reason: string | null): string {
  return (reason ?? "").replace(/\d+/g, "");
}

/** By name. */
function found({ wanted, good, serving, applyError, deathError }: Memory, since: string): Known[] {
  const running = serving === null ? null : good;
  const error = firstLine(applyError ?? deathError ?? "the proxy has not answered yet");
  const failed = { reason: error, key: withoutNumbers(error) };
  const states = (wanted?.sockets ?? []).flatMap((socket) => {
    const open = running?.files.sockets.find((place) => isSame(place, socket))?.listeners ?? [];
    const waiting = running?.waiting.find((entry) => isSame(entry.socket, socket));
    const why = waiting === undefined ? failed : { reason: waiting.reason, key: waiting.reason };
    return socket.listeners.map((listener): Known => {
      if (open.includes(listener)) {
        return { key: "", state: { listener, state: "serving", reason: null, since } };
      }
      return { key: why.key, state: { listener, state: "waiting", reason: why.reason, since } };
    });
  });
  // Of a listener with several sockets (HTTP/3) the one that waits counts: it comes last.
  return states.sort(
    (a, b) => compareText(a.state.listener, b.state.listener) || compareText(a.state.state, b.state.state),
  );
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
