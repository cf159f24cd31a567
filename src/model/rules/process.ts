import { parseByteSize } from "../../util/byteSize.ts";
import { parseCpuList } from "../../util/cpuList.ts";
import type { Bodies } from "../types.ts";
import { durationMs } from "../values.ts";
import { problem, type Rule, touchedOf } from "./rule.ts";

/** Envoy counts in seconds, and the kernel too. */
const SECOND_MS = 1_000;
const HOUR_MS = 60 * 60 * SECOND_MS;
/** Of a longer one no reload would ever be over: with one a minute there are sixty times the processes by then. */
const MAX_GRACE_MS = HOUR_MS;
/** The kernel takes 32 767 s. */
const MAX_KEEPALIVE_MS = 9 * HOUR_MS;
/** Less would hold up every answer; more is memory for each of thousands of connections. */
const MIN_BUFFER_BYTES = 16 * 1024;
const MAX_BUFFER_BYTES = 16 * 1024 * 1024;
/** What all proxies can be told: HAProxy's sets of CPUs have so many. */
const MAX_CPU = 63;

type Process = NonNullable<Bodies["fleet"]["process"]>;

/** What a fleet says of its processes is what every proxy can be told, and fits together. */
export const process: Rule = function* (_snapshot, touched) {
  for (const fleet of touchedOf(touched, "fleet")) {
    const { process: own } = fleet.body;
    if (own === undefined) continue;
    for (const [pointer, message] of problemsOf(own)) yield problem("MODEL-PROCESS", fleet, { pointer, message });
  }
};

function* problemsOf(own: Process): Iterable<readonly [pointer: string, message: string]> {
  const { shutdownGrace, tcpKeepalive, bufferSize, cpuAffinity, workers } = own;
  const durations = [
    ["shutdownGrace", shutdownGrace, MAX_GRACE_MS],
    ["tcpKeepalive/idle", tcpKeepalive?.idle, MAX_KEEPALIVE_MS],
    ["tcpKeepalive/interval", tcpKeepalive?.interval, MAX_KEEPALIVE_MS],
  ] as const;
  for (const [field, text, most] of durations) {
    if (text === undefined) continue;
    const ms = durationMs(text);
    if (ms % SECOND_MS === 0 && ms <= most) continue;
    yield [`/process/${field}`, `${text} must be whole seconds, from 1s to ${most / HOUR_MS}h`];
  }
  if (bufferSize !== undefined && !isBufferSize(parseByteSize(bufferSize)))
    yield ["/process/bufferSize", `${bufferSize} must be from 16KiB to 16MiB`];
  const message = cpuAffinity === undefined || cpuAffinity === "auto" ? null : cpuProblem(cpuAffinity, workers);
  if (message !== null) yield ["/process/cpuAffinity", message];
}

function isBufferSize(bytes: number): boolean {
  return bytes >= MIN_BUFFER_BYTES && bytes <= MAX_BUFFER_BYTES;
}

function cpuProblem(text: string, workers: number | undefined): string | null {
  const cpus = parseCpuList(text);
  if (cpus === null) return "ranges run upwards, and a CPU stands in one place";
  if (cpus.some((cpu) => cpu > MAX_CPU)) return `CPUs go from 0 to ${MAX_CPU}`;
  if (workers === undefined || workers === cpus.length) return null;
  return `${cpus.length} CPUs for ${workers} workers: write as many of both, or leave \`workers\` off`;
}
