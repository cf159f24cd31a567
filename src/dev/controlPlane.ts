/** The control plane in this process, as `trimtab dev` sees it: the public API by injection, files and nodes by call. */

import type { AgentEvent, Leaving, ListenerState, LocalReport } from "../agent/index.ts";
import { parseText } from "../cli/document.ts";
import { withGeoFiles } from "../cli/geoFiles.ts";
import { withTextFiles } from "../cli/textFiles.ts";
import { compileProcess } from "../compiler/index.ts";
import type { Fleet } from "../model/index.ts";
import { renderBootstrap } from "../targets/envoy/bootstrap.ts";
import { envoyArguments } from "../targets/envoy/index.ts";
import type { DevApplied, DevControlPlane, DevFiles, DevNode, MoreResources } from "./types.ts";

/** What `src/controlPlane.ts` hands over. */
export interface RunningPlane {
  readonly api: {
    readonly app: {
      inject(request: {
        method: "PUT";
        url: string;
        headers: Record<string, string>;
        payload: string;
      }): Promise<{ statusCode: number; body: string }>;
    };
  };
  readonly publisher: {
    files(fleet: string): Promise<DevFiles | null>;
    onFiles(listener: (fleet: string, files: DevFiles | null) => void): () => void;
    proxies(fleet: string): readonly DevNode[] | null;
    readonly listenerStatus: {
      report(fleet: string, proxy: string, listeners: readonly ListenerState[] | null): void;
    };
    readonly localProxies: {
      watch(fleet: string, nodeId: string, proxy: { read: () => LocalReport }): () => void;
    };
    readonly pullingProxies: {
      watch(fleet: string, nodeId: string, read: () => Leaving): () => void;
    };
  };
  readonly store: {
    head(): {
      readonly snapshot: {
        readonly fleet: ReadonlyMap<string, { readonly body: Fleet }>;
      };
    };
    onCommit(listener: () => void): () => void;
  };
  readonly secrets: { open(reference: string): string };
  readonly xdsAddress: string;
  /** The one that the API wants. */
  readonly apiToken: string | undefined;
  /** Told what happens to proxies of this run. */
  noteEvent(fleet: string, nodeId: string, event: AgentEvent): void;
  close(): Promise<void>;
}

/** Port 0: Envoy picks a free one, so that several can run on one machine. */
const ADMIN_ADDRESS = "127.0.0.1:0";

/** The one proxy of a fleet on this machine. */
function nodeId(fleet: string): string {
  return `dev-${fleet}`;
}

/** What `runDev` asks of the control plane. Edits go through the same PUT as everybody's. */
export function devControlPlane(plane: RunningPlane): DevControlPlane {
  const { publisher, store } = plane;
  return {
    applyConfig: (text, file, more) => applyConfig(plane, { text, file, more }),
    onCommit: (listener) => store.onCommit(listener),
    files: publisher.files,
    onFiles: publisher.onFiles,
    openSecret: plane.secrets.open,
    bootstrap: (fleet) => {
      const node = { fleet, nodeId: nodeId(fleet), xdsAddress: plane.xdsAddress, adminAddress: ADMIN_ADDRESS };
      const body = store.head().snapshot.fleet.get(fleet)?.body;
      return { text: renderBootstrap(node), args: envoyArguments(compileProcess(body?.process)) };
    },
    proxies: publisher.proxies,
    listFleets: () => [...store.head().snapshot.fleet.values()].map(({ body: { name, proxy } }) => ({ name, proxy })),
    reportListeners: (fleet, listeners) => publisher.listenerStatus.report(fleet, nodeId(fleet), listeners),
    watchProxy: (fleet, read) => publisher.localProxies.watch(fleet, nodeId(fleet), { read }),
    watchPulling: (fleet, read) => publisher.pullingProxies.watch(fleet, nodeId(fleet), read),
    noteEvent: (fleet, event) => plane.noteEvent(fleet, nodeId(fleet), event),
    close: plane.close,
  };
}

interface Answer {
  /** Of a refusal: its registered code. */
  readonly code?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly ProblemItem[];
  readonly warnings?: readonly ProblemItem[];
  readonly changed?: DevApplied["changed"];
}

interface ProblemItem {
  readonly code: string;
  readonly pointer: string;
  readonly message: string;
}

interface Given {
  readonly text: string;
  readonly file: string;
  readonly more: MoreResources;
}

async function applyConfig(plane: RunningPlane, { text, file, more }: Given): Promise<DevApplied> {
  const document = await withTextFiles(await withGeoFiles(parseText(file, text)));
  if (document.problems.length > 0) return { ok: false, problems: document.problems, changed: [] };
  const { statusCode, body } = await plane.api.app.inject({
    method: "PUT",
    // On one's own machine the file is all there is to say, whoever the resources in it belong to.
    url: "/v1/config?force=true",
    headers: {
      host: "localhost",
      ...(plane.apiToken === undefined ? {} : { authorization: `Bearer ${plane.apiToken}` }),
      "content-type": "application/json",
      "trimtab-author": "dev",
      "trimtab-message": "dev",
    },
    payload: JSON.stringify(withMore(document.value, more)),
  });
  const answer = JSON.parse(body) as Answer;
  const ok = statusCode >= 200 && statusCode < 300;
  const whole: ProblemItem = {
    code: answer.code ?? "API-INTERNAL",
    pointer: "",
    message: `${answer.title ?? ""} ${answer.detail ?? ""}`.trim(),
  };
  const items = ok ? (answer.warnings ?? []) : (answer.errors ?? [whole]);
  const severity = ok ? "warning" : "error";
  return {
    ok,
    changed: answer.changed ?? [],
    problems: items.map(({ code, pointer, message }) => ({
      code,
      severity,
      message,
      ...document.placeOf(pointer),
    })),
  };
}

/** Behind those of the document, so that problems keep their places. What is no document is left for the API to refuse. */
function withMore(document: unknown, more: MoreResources): unknown {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return document;
  const joined: Record<string, unknown> = { ...document };
  for (const [collection, resources] of Object.entries(more)) {
    const own = joined[collection] ?? [];
    if (Array.isArray(own)) joined[collection] = [...own, ...resources];
  }
  return joined;
}
