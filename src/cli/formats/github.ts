/** Problems as workflow commands, which GitHub Actions shows beside the lines of a pull request. */
import type { PlacedProblem } from "../document.ts";
import { pathInCheckout } from "./pathInCheckout.ts";

/** `::error file=model.yaml,line=3,col=5,title=CODE::message`, one a line. */
export function githubText(problems: readonly PlacedProblem[]): string {
  return problems.map(command).join("");
}

/** A failure that has no place. */
export function githubFailure(message: string): string {
  return `::error title=trimtab::${dataOf(message)}\n`;
}

function command({ file, line, column, severity, code, pointer, message }: PlacedProblem): string {
  const place = { ...(file === "-" ? {} : { file: pathInCheckout(file) }), line, col: column, title: code };
  const properties = Object.entries(place).map(([name, value]) => `${name}=${propertyOf(String(value))}`);
  return `::${severity} ${properties.join(",")}::${dataOf(`${pointer || "/"}: ${message}`)}\n`;
}

/** As the toolkit of GitHub Actions escapes what stands behind `::`. */
function dataOf(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** As it escapes values of properties. */
function propertyOf(text: string): string {
  return dataOf(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
