/** Compares an answer with a row of the table; gives what differs, one line each. */
import type { RawRequest, RawResponse } from "../harness/rawHttp.ts";
import { headerValues, type SocketAddress, send } from "../harness/rawHttp.ts";
import { echoOf, receivedList } from "../harness/serve.ts";
import { type Row, rows } from "./requests.ts";

/** Sends every row of the table to one proxy; gives all differences. */
export async function mismatches(to: SocketAddress): Promise<string[]> {
  const found: string[] = [];
  for (const row of rows) {
    const problems = await problemsOf(to, row);
    found.push(...problems.map((problem) => `${row.name}: ${problem}`));
  }
  return found;
}

/** Sends one row to one proxy; gives the differences, none when the answer is as expected. */
export async function problemsOf(to: SocketAddress, row: Row): Promise<string[]> {
  try {
    return differences(row, await send(to, row.request), to.port);
  } catch (error) {
    return [String(error)];
  }
}

function differences(row: Row, answer: RawResponse, port: number): string[] {
  const { expected, request } = row;
  const echo = echoOf(answer);
  const found: string[] = [];
  const compare = (what: string, seen: unknown, wanted: unknown): void => {
    if (JSON.stringify(seen) !== JSON.stringify(wanted)) {
      found.push(`${what}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(seen)}`);
    }
  };
  compare("status", answer.status, expected.status);
  compare("upstream", echo?.name ?? null, expected.upstream ?? null);
  if (expected.upstream !== undefined && echo !== null) compareEcho({ request, row, compare }, echo);
  if (expected.body !== undefined) compare("body", answer.body, expected.body);
  if (expected.location !== undefined) {
    compare("Location", headerValues(answer, "location"), [expected.location(port)]);
    compare("body", answer.body, "");
    compare("Content-Type", headerValues(answer, "content-type"), []);
  }
  for (const [name, values] of Object.entries(expected.headers ?? {}))
    compare(name, headerValues(answer, name), values);
  return found;
}

interface Comparison {
  readonly request: RawRequest;
  readonly row: Row;
  readonly compare: (what: string, seen: unknown, wanted: unknown) => void;
}

function compareEcho({ request, row, compare }: Comparison, echo: NonNullable<ReturnType<typeof echoOf>>): void {
  compare("path at the upstream", echo.path, row.expected.path ?? request.path);
  compare("method at the upstream", echo.method, request.method ?? "GET");
  compare("Host at the upstream", receivedList(echo, "host"), row.expected.received?.host ?? [request.host]);
  for (const [name, values] of Object.entries(row.expected.received ?? {})) {
    compare(`${name} at the upstream`, receivedList(echo, name), values);
  }
}
