/** Certificates in files of a control plane: each is written as anybody would write it, over the API. */
import { resolve } from "node:path";
import type { Registry } from "prom-client";
import type { Api } from "./api/index.ts";
import { type Taken, type WatchedFiles, watchCertificateFiles } from "./certificateFiles/index.ts";
import type { PlaneLog } from "./planeLog.ts";
import { scrapedGauge } from "./scraped.ts";
import { systemClock } from "./xds/index.ts";

/** Where they are, and as whom they are written. */
interface Place {
  readonly certificatesDir?: string;
  readonly apiToken: string | undefined;
}

/** Whom they go to, and who is told. */
interface Tools {
  readonly api: Pick<Api, "app">;
  readonly registry: Registry;
  readonly lines: Pick<PlaneLog, "certificateTaken" | "certificateRefused">;
}

/** Null: there is no such folder to look at. */
export function openCertificateFiles(place: Place, tools: Tools): WatchedFiles | null {
  const files = watchOf(place, tools);
  scrapedGauge(tools.registry, {
    name: "trimtab_certificate_file_refused",
    help: "1 for each certificate of --certificates-dir whose files are refused now; without a name for the folder itself.",
    labelNames: ["name"],
    read: () => (files?.refused() ?? []).map(({ name }) => [{ name }, 1] as const),
  });
  return files;
}

function watchOf({ certificatesDir, apiToken }: Place, { api, lines }: Tools): WatchedFiles | null {
  if (certificatesDir === undefined) return null;
  return watchCertificateFiles({
    folder: resolve(certificatesDir),
    clock: systemClock,
    write: writerTo(api, apiToken),
    onTaken: lines.certificateTaken,
    onRefused: lines.certificateRefused,
  });
}

interface Answer {
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly code: string; readonly message: string }[];
  readonly revision?: number;
  readonly changed?: readonly unknown[];
}

const NOTE = "its files have changed";
const NOT_FOUND = 404;

function writerTo({ app }: Pick<Api, "app">, apiToken: string | undefined) {
  const send = async (method: "PATCH" | "PUT", name: string, body: object): Promise<[number, Answer]> => {
    const { statusCode, body: text } = await app.inject({
      method,
      // Whoever it belongs to: it stays theirs.
      url: `/v1/certificates/${encodeURIComponent(name)}?force=true`,
      headers: {
        host: "localhost",
        ...(apiToken === undefined ? {} : { authorization: `Bearer ${apiToken}` }),
        "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
        "trimtab-author": "certificates-dir",
        "trimtab-message": NOTE,
      },
      payload: JSON.stringify(body),
    });
    return [statusCode, JSON.parse(text) as Answer];
  };
  return async (name: string, texts: { readonly chain: string; readonly privateKey: string }): Promise<Taken> => {
    // What else stands in it (labels, a description) stays.
    const patched = await send("PATCH", name, texts);
    const [status, answer] = patched[0] === NOT_FOUND ? await send("PUT", name, { name, ...texts }) : patched;
    const { code = "", detail = "", errors = [], revision = 0, changed = [] } = answer;
    if (status >= 200 && status < 300) return { revision, isNew: changed.length > 0 };
    const found = errors.map((error) => `${error.code}: ${error.message}`);
    return { refused: found.length > 0 ? found.join("; ") : `${code}: ${detail}` };
  };
}
