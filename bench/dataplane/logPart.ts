/** Part `log`: what a line of the access log costs a request, beside a hand-written file whose log has the same keys. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProxyName } from "./aims.ts";
import { proveAll, questionsFor } from "./casesPart.ts";
import { takeFigures } from "./measuring.ts";
import { modelWith } from "./models.ts";
import type { Options } from "./options.ts";
import { expertFolder } from "./places.ts";
import type { ProxyKind } from "./proxies.ts";
import { printHeading, printRow, type Row } from "./report.ts";
import { expertSide, generatedSide, type Side } from "./sides.ts";
import { spreadOf } from "./statistics.ts";
import type { Place } from "./workplace.ts";

/** Where the hand-written lines go: the file, and the text before them or in whose place they stand. */
const PLACES: Readonly<Record<ProxyName, { readonly file: string; readonly at: string; readonly isKept: boolean }>> = {
  nginx: { file: "nginx.conf", at: "  access_log off;\n", isKept: false },
  haproxy: { file: "haproxy.cfg", at: "  bind 127.0.0.1:8080\n", isKept: true },
  envoy: { file: "envoy.yaml", at: "                codec_type: HTTP1\n", isKept: true },
};

/** Rows of one proxy: without and with the log, by hand and generated. */
export async function logPart(proxy: ProxyKind, options: Options, place: Place): Promise<readonly Row[]> {
  const [expert] = proxy.experts;
  if (expert === undefined) throw new Error(`${proxy.name} has no hand-written file`);
  const file = join(place.folder, `${proxy.name}-generated.log`);
  const grow = (folder: string): void => writeLog(proxy.name, folder);
  const accessLog = proxy.name === "haproxy" ? {} : { path: file };
  const logged = modelWith((model) => {
    model.fleets = (model.fleets as object[]).map((fleet) => ({ ...fleet, ...ofProxy(fleet, proxy.name, accessLog) }));
  });
  const sides: readonly Side[] = [
    await expertSide(proxy, { ...expert, name: "expert" }, place),
    await expertSide(proxy, { ...expert, name: "expert, log", grow }, place),
    await generatedSide(proxy, { name: "generated", text: modelWith() }, place),
    await generatedSide(proxy, { name: "generated, log", text: logged }, place),
  ];
  try {
    await proveAll(sides);
    const questions = questionsFor(options);
    const rows: Row[] = [];
    for (const measure of options.measures) {
      printHeading(`${proxy.name}: with an access log, ${measure} a request`);
      const { rounds } = options;
      const figures = await place.withUpstreams(() =>
        takeFigures({ measure, sides, questionsOf: () => questions, rounds }),
      );
      const [, anchor, , generated] = sides as readonly [Side, Side, Side, Side];
      for (const { name } of questions) {
        const of = (side: Side): readonly number[] => figures.get(side)?.get(name) ?? [];
        const isCounted = measure === "instructions";
        const scaled = (side: Side): readonly number[] => of(side).map((figure) => figure / (isCounted ? 1_000 : 1));
        const row: Row = {
          part: "log",
          proxy: proxy.name,
          name,
          unit: isCounted ? "kI" : "us",
          figures: Object.fromEntries(sides.map((side) => [side.name, spreadOf(scaled(side))])),
          ratio: spreadOf(of(generated).map((figure, round) => figure / (of(anchor)[round] as number))),
          anchor: anchor.name,
        };
        printRow(row);
        rows.push(row);
      }
    }
    return rows;
  } finally {
    for (const side of sides) await side.close();
  }
}

/** HAProxy refuses a path, so each fleet but the measured one has no log. */
function ofProxy(fleet: object, proxy: ProxyName, accessLog: object): object {
  return (fleet as { readonly proxy: string }).proxy === proxy ? { accessLog } : {};
}

function writeLog(proxy: ProxyName, folder: string): void {
  const { file, at, isKept } = PLACES[proxy];
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  if (!text.includes(at)) throw new Error(`${path} has no ${at}`);
  const lines = readFileSync(join(expertFolder, "log", file), "utf8").replace("LOG_FILE", join(folder, "access.log"));
  writeFileSync(
    path,
    text.replace(at, () => (isKept ? at : "") + lines),
  );
}
