/** The text of a listener's file, section by section. */
import { GOOD_HOST, NO_CONNECTION_LIMIT } from "../../ir/index.ts";
import { fullMatch } from "../../regex/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { requestLogText } from "./accessLog.ts";
import { clientsView } from "./clientAuthentication.ts";
import { clientTimeoutsView } from "./clientTimeouts.ts";
import { connectionLimitView } from "./connectionLimit.ts";
import { type Fragment, type Section, type SharedSection, sharedText } from "./fragment.ts";
import { grpcFrontend } from "./grpc.ts";
import { http2View } from "./http2.ts";
import { http3View } from "./http3.ts";
import type { ListenerContext } from "./listenerContext.ts";
import { listenerMap, requestsSocket } from "./names.ts";
import { proxyProtocolView } from "./proxyProtocol.ts";
import { address, file, name, word } from "./quote.ts";
import { splitTablesText } from "./splits.ts";
import { misdirected, tlsView } from "./tls.ts";
import { viaView } from "./via.ts";

const goodHost = word(fullMatch(GOOD_HOST));

/** The frontend, and the backends that answer by themselves. */
export function listenerText(fragment: Fragment, context: ListenerContext): string {
  const { port, section, listener, notFound } = context;
  const map = (known: string): Quoted<"file"> | null =>
    fragment.maps.has(known) ? file(listenerMap(listener, known)) : null;
  const own = (part: Section): string => fragment.sections.get(part) ?? "";
  const shared = (part: SharedSection): string => sharedText(fragment, part);
  const [exact, regex, prefix] = [map("exact"), map("regex"), map("prefix")];
  const isInner = port.passed !== null;
  const foreign = misdirected(listener, port.tls);
  const clients = clientsView(port.tls);
  const isFirst = exact === null && regex === null && own("regexes") === "";
  return [
    section("frontend", {
      name: name(listener),
      address: address(port.address, port.port),
      v6only: port.address.includes(":"),
      sharded: context.sharded,
      ...clientTimeoutsView(port.clientTimeouts),
      ...http2View(port.http2),
      ...http3View(listener, port),
      // Behind a frontend that reads the server name, that one counts connections and learns who the client is.
      inner: isInner ? file(requestsSocket(listener)) : null,
      ...connectionLimitView(isInner ? NO_CONNECTION_LIMIT : port.connectionLimit),
      ...proxyProtocolView(isInner ? null : port.proxyProtocol),
      ...viaView(port.via),
      tls: tlsView(listener, port.tls),
      sites: map("sites"),
      goodHost,
    }),
    shared("gatedFields") === "" ? "" : section("gatedFields", {}) + shared("gatedFields"),
    notFound === null ? "" : section("grpcFrontend", grpcFrontend),
    shared("wildcards"),
    shared("anyHost"),
    foreign === null ? "" : section("misdirected", foreign.view),
    clients === null ? "" : section("clientAuthentication", clients),
    requestLogText(context.accessLog, section, port.http3 !== null),
    section("exact", { exact, regex, notFound }),
    shared("regexAcls"),
    own("regexes"),
    section("prefix", { prefix, first: isFirst, notFound }),
    choiceText(fragment, context, map),
    own("answers"),
  ].join("");
}

/** From the rule to the backend: by name, after a choice, by a draw. */
function choiceText(
  fragment: Fragment,
  context: ListenerContext,
  map: (known: string) => Quoted<"file"> | null,
): string {
  const { section, shape } = context;
  const lines = (fragment.sections.get("choices") ?? "") + sharedText(fragment, "turns");
  const dimensions = map("dimensions");
  const hasChoices = lines !== "" || dimensions !== null;
  const hasTables = shape.splitTables && fragment.maps.has("split.0");
  const draws = (fragment.sections.get("splits") ?? "") + (hasTables ? splitTablesText(fragment.maps, context) : "");
  const backends = map("backends");
  const parts = [section("backends", { backends, title: true, more: hasChoices || draws !== "" })];
  if (hasChoices) {
    parts.push(section("choices", {}));
    if (dimensions !== null) {
      const files = { dimensions, rows: map("rows") };
      parts.push(section("tables", files), sharedText(fragment, "dimensions"), section("rows", files));
    }
    parts.push(
      sharedText(fragment, "choiceAcls", "regexAcls"),
      lines,
      sharedText(fragment, "openEnd"),
      section("backends", { backends, title: false, more: draws !== "" }),
    );
  }
  if (draws !== "") parts.push(section("splits", {}), draws);
  if (backends !== null || draws !== "") parts.push(section("use", {}));
  return parts.join("");
}
