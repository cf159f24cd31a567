/** The rules of `manyRules` as a person who knows nginx would write them into its hand-written file: a location that does it all. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMoreRegex, moreThanWritten } from "./models.ts";

const MAPS = `  # /more/N becomes /inside or /moved/N.
  map $request_uri $inside { "~^/more/[0-9]+(.*)$" "/inside$1"; }
  map $request_uri $moved { "~^/more/([0-9]+)(.*)$" "/moved/$1$2"; }
`;
const BEFORE_MAPS = "  upstream blue {";
/** nginx tries expressions in the order of the file, and the model says that the longer ones, which are added, come first. */
const BEFORE_RULES = '    location ~ "^/items';

/** Adds rules to the copied files, as many as `manyRules` has. */
export function growNginxExpert(folder: string, count: number): void {
  const file = join(folder, "nginx.conf");
  const text = readFileSync(file, "utf8");
  const rules = Array.from({ length: moreThanWritten(count) }, (_, index) => more(index));
  const [start, rest] = cut(text, BEFORE_MAPS);
  const [middle, end] = cut(rest, BEFORE_RULES);
  writeFileSync(file, start + MAPS + middle + rules.join("") + end);
}

/** What stands before the first place, and what begins with it. */
function cut(text: string, place: string): readonly [string, string] {
  const at = text.indexOf(place);
  if (at < 0) throw new Error(`the hand-written nginx.conf has no ${JSON.stringify(place)}`);
  return [text.slice(0, at), text.slice(at)];
}

function more(index: number): string {
  const path = `/more/${index}`;
  const field = `proxy_hide_header x-rule; add_header x-rule more-${index} always;`;
  const forward = `proxy_pass http://blue; ${field}`;
  const prefix = (body: string): string => `    location = ${path} { ${body} }\n    location ${path}/ { ${body} }\n`;
  switch (index % 10) {
    case 0:
      return isMoreRegex(index) ? `    location ~ "^${path}/[a-z]+\\z" { ${forward} }\n` : prefix(forward);
    case 1:
      return `    location = ${path} { ${forward} }\n`;
    case 2:
      return prefix(`if ($request_method != POST) { return 404; } ${forward}`);
    case 3: {
      const fields = `include proxy-headers.conf; proxy_set_header x-api-version ${index};`;
      return prefix(`${fields} ${field} proxy_pass http://blue$inside;`);
    }
    case 4:
      return prefix("return 308 http://$host:8080$moved;");
    case 5:
      return prefix(`return 410 "Number ${index % 100} is gone.\\n";`);
    default:
      return prefix(forward);
  }
}
