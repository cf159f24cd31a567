/** Names are lower case and stand in one list only; each list ascending by name; `add` keeps the written order of equal names. */
export interface HeaderChangesIr {
  readonly set: readonly HeaderSettingIr[];
  readonly add: readonly HeaderSettingIr[];
  readonly remove: readonly string[];
}

/** A header field: name in lower case, literal value (no proxy's variables). */
export interface HeaderSettingIr {
  readonly name: string;
  readonly value: string;
}
