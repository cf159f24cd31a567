/**
 * `npm run bench:docs`: `/docs` of a server with a token, in a real browser (Chromium on PATH, driven by its own protocol). The page
 * opens without a token, a call is refused, the token is typed under "Authorize", the call answers. It fails when the page breaks its
 * content security policy, or keeps the token anywhere but in its memory. Writes `docs.png` to the folder that is named (default: the
 * system's for temporary files).
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const TOKEN = "typed-under-authorize-0123456789abcdef";
/** A page with all its scripts, on a busy machine. */
const PATIENCE_MS = 60_000;
const POLL_MS = 100;
/** Between two clicks. */
const CLICK_MS = 1_000;

const out = process.argv[2] ?? tmpdir();
const dir = await mkdtemp(join(tmpdir(), "trimtab-docs-"));
const children: ChildProcess[] = [];
const complaints: string[] = [];
try {
  const server = await serve();
  const page = await openPage(`${server}/docs`);
  await page.until("operations", `document.querySelector("#operations-clusters-listClusters") !== null`);
  await page.run(`document.querySelector("#operations-clusters-listClusters .opblock-summary-control").click()`);
  await call(page, 401);
  await authorize(page);
  await call(page, 200);
  await page.run(
    `document.querySelector("#operations-clusters-listClusters .live-responses-table").scrollIntoView({ block: "center" })`,
  );
  await page.screenshot(join(out, "docs.png"));
  assert.equal(await page.run(`document.body.innerText.includes("${TOKEN}")`), false, "the page shows the token");
  const kept = await page.run(
    `JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, location.href])`,
  );
  assert.ok(!String(kept).includes(TOKEN), `the page keeps the token: ${kept}`);
  assert.deepEqual(page.complaints(), []);
  console.log(
    `the page opened, was refused, and answered after Authorize; nothing kept: ${kept}; ${join(out, "docs.png")}`,
  );
} finally {
  for (const child of children.reverse()) {
    child.kill();
    if (child.exitCode === null) await once(child, "exit");
  }
  await rm(dir, { recursive: true, force: true });
}

/** A server with the token and two clusters; its URL. */
async function serve(): Promise<string> {
  await writeFile(join(dir, "token"), `${TOKEN}\n`, { mode: 0o600 });
  const [http, xds] = [await freePort(), await freePort()];
  const options = ["--data", join(dir, "data"), "--http", `127.0.0.1:${http}`, "--xds", `127.0.0.1:${xds}`];
  const args = ["dist/main.js", "serve", ...options, "--api-token-file", join(dir, "token")];
  children.push(spawn(process.execPath, args, { stdio: "ignore" }));
  const url = `http://127.0.0.1:${http}`;
  await until("the server", async () => (await fetch(`${url}/readyz`).catch(() => null))?.status === 200);
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  for (const name of ["blue", "green"]) {
    const body = JSON.stringify({ name, endpoints: [{ address: "10.0.0.1", port: 80 }] });
    assert.equal((await fetch(`${url}/v1/clusters/${name}`, { method: "PUT", headers, body })).status, 201);
  }
  return url;
}

/** "Execute", and the status that the page shows then. A click comes to nothing while the page still takes in its parameters. */
async function call(page: Page, status: number): Promise<void> {
  const operation = "#operations-clusters-listClusters";
  const shown = `document.querySelector("${operation} .live-responses-table .response .response-col_status")?.innerText`;
  await until(`status ${status}`, async () => {
    if ((await page.run(`${shown}?.startsWith("${status}")`)) === true) return true;
    await page.run(`document.querySelector("${operation} button.execute")?.click()`);
    await sleep(CLICK_MS);
    return false;
  });
}

async function authorize(page: Page): Promise<void> {
  await page.run(`document.querySelector(".auth-wrapper .authorize").click()`);
  await page.until("the dialog", `document.querySelector(".auth-container input") !== null`);
  await page.run(`document.querySelector(".auth-container input").focus()`);
  await page.type(TOKEN);
  await page.run(`document.querySelector(".auth-container button.authorize").click()`);
  await page.until("the token", `document.querySelector(".auth-container")?.innerText.includes("Authorized") === true`);
  await page.run(`document.querySelector(".auth-btn-wrapper .btn-done").click()`);
}

interface Page {
  /** The value of an expression. */
  run(expression: string): Promise<unknown>;
  until(what: string, expression: string): Promise<void>;
  type(text: string): Promise<void>;
  screenshot(file: string): Promise<void>;
  /** Errors of the page, of scripts and of its policy; not those of the call that is to be refused. */
  complaints(): readonly string[];
}

async function openPage(url: string): Promise<Page> {
  const send = await connect(await startBrowser());
  for (const domain of ["Page", "Runtime", "Log"]) await send(`${domain}.enable`);
  await send("Page.navigate", { url });
  const run = async (expression: string): Promise<unknown> => {
    const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, awaitPromise: true });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return result.value;
  };
  return {
    run,
    until: (what, expression) => until(what, async () => (await run(expression)) === true),
    type: async (text) => void (await send("Input.insertText", { text })),
    async screenshot(file) {
      const { data } = await send("Page.captureScreenshot", { format: "png" });
      await writeFile(file, Buffer.from(data, "base64"));
    },
    complaints: () => complaints.filter((text) => !text.includes("401")),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the protocol's answers have many shapes
type Send = (method: string, params?: object) => Promise<any>;

/** Speaks the browser's protocol with its one page. */
async function connect(port: number): Promise<Send> {
  const pages = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    type: string;
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(pages.find(({ type }) => type === "page")?.webSocketDebuggerUrl ?? "");
  const waiting = new Map<number, (answer: unknown) => void>();
  socket.addEventListener("message", ({ data }) => {
    const { id, result, method, params } = JSON.parse(String(data));
    waiting.get(id)?.(result);
    waiting.delete(id);
    if (method === "Log.entryAdded" && params.entry.level === "error")
      complaints.push(`${params.entry.text} ${params.entry.url}`);
    if (method === "Runtime.exceptionThrown") complaints.push(JSON.stringify(params.exceptionDetails));
  });
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  let last = 0;
  return (method, params = {}) =>
    new Promise((resolve) => {
      last++;
      waiting.set(last, resolve);
      socket.send(JSON.stringify({ id: last, method, params }));
    });
}

/** The port of its protocol, which it says on standard error. */
async function startBrowser(): Promise<number> {
  const quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,1400", ...quiet];
  const places = [`--user-data-dir=${join(dir, "browser")}`, "--remote-debugging-port=0"];
  const browser = spawn("chromium", [...options, ...places, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
  children.push(browser);
  for await (const line of createInterface(browser.stderr)) {
    const port = /^DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(line)?.[1];
    if (port !== undefined) {
      browser.stderr.resume();
      return Number(port);
    }
  }
  throw new Error("chromium did not start; it must be on PATH");
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(POLL_MS)) if (await done()) return;
  throw new Error(`waited in vain for ${what}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
