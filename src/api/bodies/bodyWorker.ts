/** A worker thread that checks bodies, one after the other: see workers.ts. */
import { isUtf8 } from "node:buffer";
import { parentPort } from "node:worker_threads";
import { check, type Unsound } from "./checked.ts";
import type { CheckedBody, UncheckedBody } from "./types.ts";
import { YamlError, yamlToJson } from "./yamlJson.ts";

parentPort?.on("message", (body: UncheckedBody) => {
  const answer = checkBody(body);
  parentPort?.postMessage(answer, answer.kind === "sound" ? [answer.bytes.buffer as ArrayBuffer] : []);
});

function checkBody({ bytes, format, bounds }: UncheckedBody): CheckedBody | Unsound {
  const given = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    // What is no UTF-8 is told by the check.
    const text = format === "yaml" && isUtf8(given) ? ownBytes(yamlToJson(given.toString("utf8"))) : given;
    const checked = check(text, bounds);
    if (checked.kind === "unsound") return checked;
    const { runs, inObject, containers, commas, largeItem, value } = checked;
    // A frame can have a hundred thousand entries: as text it is taken over in one piece.
    const frame = JSON.stringify(value);
    return { kind: "sound", bytes: text, frame, runs, inObject, containers, commas, largeItem };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return { kind: "unsound", detail: `the body is no YAML: ${error.message}` };
  }
}

/** In memory of its own, which can be handed over: Node keeps short buffers together. */
function ownBytes(text: string): Buffer {
  const { buffer } = new TextEncoder().encode(text);
  return Buffer.from(buffer);
}
