/** `docs/reference/model.md`: every field of every kind, from `schemas/` alone. */
import { type NamedSchema, type Schema, schemaOf } from "../schemas.ts";
import { code, pageHead, table } from "./markdown.ts";

const INTRO = `Every field of a configuration, as \`schemas/\` defines it. A configuration is one document, YAML or JSON, with a
flat list per kind; the REST API serves the same objects one by one. An unknown field is refused. \`[]\` stands for each
element of a list; fields in **bold** are required.`;

/** The whole page. */
export function modelReference(schemas: readonly NamedSchema[]): string {
  const config = schemaOf("config", schemas);
  const kinds = Object.entries(config.properties ?? {});
  const overview = table(
    ["collection", "kind", "holds", "at most"],
    kinds.map(([name, list]) => [
      code(name),
      `[${list.items?.title}](#${anchor(list.items?.title)})`,
      list.description ?? "",
      String(list.maxItems ?? ""),
    ]),
  );
  const sections = kinds.map(([, list]) => kindSection(list.items as Schema));
  return `${pageHead("The model", INTRO)}\n${overview}\n${sections.join("\n")}\n${valueSection(schemas)}`;
}

function kindSection(kind: Schema): string {
  const rows: string[][] = [];
  addRows(kind, "", rows);
  return `## ${kind.title}\n\n${kind.description}\n\n${table(["field", "type and limits", "default", "meaning"], rows)}`;
}

function addRows(node: Schema, prefix: string, rows: string[][]): void {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const path = `${prefix}${name}`;
    const shown = node.required?.includes(name) ? `**${code(path)}**` : code(path);
    rows.push([shown, typeText(child), defaultText(child), child.description ?? ""]);
    addRows(child, `${path}.`, rows);
    if (child.items !== undefined) addRows(child.items, `${path}[].`, rows);
  }
}

function defaultText(node: Schema): string {
  return node.default === undefined ? "" : code(JSON.stringify(node.default));
}

/** `list of 1 to 64 names`, `integer 1 to 65535`, `http, tcp`. */
function typeText(node: Schema): string {
  if (node.enum !== undefined) return `one of ${node.enum.map((value) => code(String(value))).join(", ")}`;
  if (node.const !== undefined) return `always ${code(String(node.const))}`;
  if (node.type === "array") return listText(node);
  const parts = [valueName(node), ...bounds(node)];
  if (node["x-ref"] !== undefined) parts.push(`names one of ${code(node["x-ref"])}`);
  return parts.join(", ");
}

function listText(node: Schema): string {
  const least = node.minItems ?? 0;
  const most = node.maxItems === undefined ? "" : `, ${least} to ${node.maxItems}`;
  const unique = node.uniqueItems ? ", no two alike" : "";
  const items = node.items === undefined || node.items.properties !== undefined ? "" : ` of ${typeText(node.items)}`;
  return `list${items}${most === "" ? "" : `${most} elements`}${unique}`;
}

/** Shared values are told once, below; here their name links there. Others go by their own title, if they have one. */
function valueName(node: Schema): string {
  if (node.properties !== undefined || node.title === undefined) return typeName(node);
  return node["x-value"] === undefined ? node.title : `[${node.title}](#${anchor(node.title)})`;
}

function typeName({ type = "any value" }: Schema): string {
  return [type].flat().join(" or ");
}

function bounds(node: Schema): string[] {
  const found: string[] = [];
  if (node["x-value"] !== undefined) return found;
  if (node.minimum !== undefined || node.maximum !== undefined)
    found.push(`${node.minimum ?? ""} to ${node.maximum ?? ""}`);
  if (node.multipleOf !== undefined) found.push(`a multiple of ${node.multipleOf}`);
  if (node.maxLength !== undefined) found.push(`${node.minLength ?? 0} to ${node.maxLength} characters`);
  return found;
}

/** The shared values: each type once, with its limits. */
function valueSection(schemas: readonly NamedSchema[]): string {
  const values = schemaOf("values", schemas).$defs ?? {};
  const scalars = Object.values(values).filter((value) => value.properties === undefined && value.title !== undefined);
  const sections = scalars.map((value) => {
    const limits = [
      value.enum === undefined ? typeName(value) : typeText(value),
      value.minimum === undefined ? undefined : `${value.minimum} to ${value.maximum}`,
      value.maxLength === undefined ? undefined : `at most ${value.maxLength} characters`,
      value.maxProperties === undefined ? undefined : `at most ${value.maxProperties} entries`,
      value.default === undefined ? undefined : `default ${code(String(value.default))}`,
    ].filter((text) => text !== undefined);
    const pattern = value.pattern === undefined ? "" : `\n\nPattern: ${code(value.pattern)}`;
    return `### ${value.title}\n\n${value.description}\n\nType: ${limits.join(", ")}.${pattern}\n`;
  });
  return `## Shared values\n\nTypes that several kinds use.\n\n${sections.join("\n")}`;
}

function anchor(title: string | undefined): string {
  return (title ?? "").toLowerCase().replaceAll(" ", "-");
}
