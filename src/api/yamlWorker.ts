/** A worker thread that parses one YAML document: see yaml.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { parseText } from "./yamlText.ts";

parentPort?.postMessage(parseText(workerData as string));
