/** When certificates end. They are as many as the model has, and their names are the operators'. */
import type { Registry } from "prom-client";
import { certificatesOf, firstEnd } from "./model/index.ts";
import type { Resource, Snapshot } from "./model/types.ts";
import { type Sample, scrapedGauge } from "./scraped.ts";
import { inSlices } from "./util/slices.ts";
import type { Steps } from "./util/steps.ts";

/** Of certificates and authorities of the newest model. */
export function registerCertificateMetrics(registry: Registry, snapshot: () => Snapshot): void {
  scrapedGauge(registry, {
    name: "trimtab_certificate_expiry_seconds",
    help: "When the first certificate of a chain or bundle expires, in seconds since 1970.",
    labelNames: ["kind", "name"],
    read: () => inSlices(ends(snapshot())),
  });
}

/** Each is read once, in half a millisecond. */
function* ends({ certificate, authority }: Snapshot): Steps<Sample[]> {
  const samples: Sample[] = [];
  const resources: Iterable<Resource<"certificate"> | Resource<"authority">> = [
    ...certificate.values(),
    ...authority.values(),
  ];
  for (const resource of resources) {
    const end = firstEnd(certificatesOf(resource).certificates);
    if (end !== null) samples.push([{ kind: resource.kind, name: resource.name }, Date.parse(end) / 1000]);
    yield;
  }
  return samples;
}
