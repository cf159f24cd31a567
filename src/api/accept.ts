/** Choice of a representation by the Accept header (RFC 9110, 12.5.1). */
import { Problem } from "./problem.ts";

/** Entries that are looked at; more have no honest use. */
const MAX_RANGES = 32;

/** The first of `offers` with the highest quality; throws API-NOT-ACCEPTABLE when the header excludes all. */
export function negotiate<T extends string>(accept: string | undefined, offers: readonly [T, ...T[]]): T {
  if (accept === undefined || accept.trim() === "") return offers[0];
  const ranges = accept.split(",").slice(0, MAX_RANGES).map(parseRange);
  let best: { offer: T; quality: number } | null = null;
  for (const offer of offers) {
    const quality = qualityOf(offer, ranges);
    if (quality > (best?.quality ?? 0)) best = { offer, quality };
  }
  if (best === null) throw new Problem("API-NOT-ACCEPTABLE", `this path can give ${offers.join(", ")}`);
  return best.offer;
}

interface Range {
  readonly type: string;
  readonly quality: number;
}

function parseRange(text: string): Range {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const q = parameters.find((parameter) => parameter.startsWith("q="));
  const quality = q === undefined ? 1 : Number(q.slice(2));
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** The most specific range that names the type decides. */
function qualityOf(offer: string, ranges: readonly Range[]): number {
  for (const wanted of [offer, `${offer.split("/")[0]}/*`, "*/*"]) {
    const found = ranges.find(({ type }) => type === wanted);
    if (found !== undefined) return found.quality;
  }
  return 0;
}
