/** Header changes with names in lower case and lists in canonical order. */
import type { HeaderChangesIr, HeaderSettingIr } from "../../ir/index.ts";
import type { Route } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";

type HeaderChangesBody = NonNullable<Route["rules"][number]["requestHeaders"]>;

/** Null: nothing is changed. */
export function headerChanges(body: HeaderChangesBody | undefined): HeaderChangesIr | null {
  if (body === undefined) return null;
  const { set = [], add = [], remove = [] } = body;
  if (set.length + add.length + remove.length === 0) return null;
  return { set: settings(set), add: settings(add), remove: remove.map((name) => name.toLowerCase()).sort() };
}

function settings(list: NonNullable<HeaderChangesBody["set"]>): readonly HeaderSettingIr[] {
  const lower = list.map(({ name, value }) => Object.freeze({ name: name.toLowerCase(), value }));
  return lower.sort((a, b) => compareText(a.name, b.name));
}
