/** Every command, by its name, in the order of the help. A new one is a file in `commands/` and a line here. */
import type { Declaration } from "./command.ts";

const COMMANDS: Readonly<Record<string, () => Promise<Declaration>>> = {
  serve: async () => (await import("./commands/serve.ts")).serve,
  dev: async () => (await import("./commands/dev.ts")).dev,
  agent: async () => (await import("./commands/agent.ts")).agent,
  validate: async () => (await import("./commands/validate.ts")).validate,
  render: async () => (await import("./commands/render.ts")).render,
  bootstrap: async () => (await import("./commands/bootstrap.ts")).bootstrap,
  diff: async () => (await import("./commands/diff.ts")).diff,
  apply: async () => (await import("./commands/apply.ts")).apply,
  explain: async () => (await import("./commands/explain.ts")).explain,
  export: async () => (await import("./commands/export.ts")).exportModel,
  status: async () => (await import("./commands/status.ts")).status,
  history: async () => (await import("./commands/history.ts")).history,
  rollback: async () => (await import("./commands/rollback.ts")).rollback,
  store: async () => (await import("./commands/store.ts")).store,
};

/** Whether a command has this name. */
export function isCommand(name: string): boolean {
  return Object.hasOwn(COMMANDS, name);
}

/** The declaration of one command; of all when there is none of this name, for then they are told of. */
export function loadDeclarations(name: string): Promise<readonly Declaration[]> {
  const named = Object.entries(COMMANDS).filter(([known]) => known === name);
  const wanted = named.length > 0 ? named : Object.entries(COMMANDS);
  return Promise.all(wanted.map(([, load]) => load()));
}
