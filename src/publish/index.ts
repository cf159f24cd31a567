/**
 * The publish room.
 *
 * Input: "revision N committed", and models that want to be admitted. Output: fleets' resources to the xDS server, fleets'
 * files to whoever asks or listens. Guarantee: a fleet gets all of a revision or nothing; equal output is not
 * published again; when output cannot be made the last good one stays; a burst of changes is rendered to files once; of what is
 * committed while a revision is handed on, the newest is handed on next; long work is done in slices. It decides nothing about
 * the model, and speaks to no client.
 */

export { NoGoodFilesError } from "./fileOutput.ts";
export type { FileProxies } from "./fileProxies.ts";
export { FleetLeftOutError } from "./fleetStatus.ts";
export type { ListenerChange, ListenerStatuses } from "./listenerStatus.ts";
export { createPublisher, type PublisherOptions, type PublisherWithInput } from "./publisher.ts";
export type {
  Admission,
  Admitter,
  ExplainedRule,
  ExplainRequest,
  Explanation,
  FileProxyReport,
  FileProxyStatus,
  FleetError,
  FleetFiles,
  FleetStatus,
  ListenerReport,
  ListenerStatus,
  ProxyPresence,
  Publication,
  Publisher,
  PullingProxyStatus,
  RemoteEvent,
} from "./types.ts";
