// Opens what Vernier exports in other people's readers: node check.mjs FOLDER VERNIER...
// llama.cpp computes every GGUF file; @huggingface/gguf, the hub's safetensors reader, tokenizers and jinja read the rest.
import {execFileSync} from "node:child_process";
import {closeSync, existsSync, openSync, readFileSync, readSync, readdirSync, statSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {gguf} from "@huggingface/gguf";
import {parseSafetensorsMetadata} from "@huggingface/hub";
import {Template} from "@huggingface/jinja";
import {Tokenizer} from "@huggingface/tokenizers";
import YAML from "yaml";
import {models, write} from "./models.mjs";

const [work, ...program] = process.argv.slice(2);
const at = (...parts) => join(work, ...parts);
let passed = 0;
const failures = [];

function check(holds, what) {
  if (holds)
    passed++;
  else
    failures.push(what);
}

function vernier(...args) {
  return execFileSync(program[0], [...program.slice(1), ...args], {cwd: work, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"]});
}

const json = path => JSON.parse(readFileSync(path, "utf8"));
const lines = path => readFileSync(path, "utf8").trim().split("\n").map(l => JSON.parse(l));

/** Vernier's own log-probabilities, in fp32. */
function score(model) {
  vernier("score", model, "--file", "ids.jsonl", "--out", "scores.jsonl", "--threads", "2");
  return lines(at("scores.jsonl"))[0].logprobs;
}

function meanDifference(a, b) {
  return a.reduce((sum, v, i) => sum + Math.abs(v - b[i]), 0) / a.length;
}

// ---- llama.cpp

let llama = null;
async function openLlama() {
  try {
    const {getLlama, LlamaLogLevel} = await import("node-llama-cpp");
    llama = await getLlama({gpu: false, build: "never", skipDownload: true, progressLogs: false, logLevel: LlamaLogLevel.error});
  } catch (e) {
    if (process.platform === "linux" && process.arch === "x64")
      throw e;
    console.log(`llama.cpp is left out: no library for ${process.platform} ${process.arch}`);
  }
}

async function llamaScores(path, ids) {
  const model = await llama.loadModel({modelPath: path, gpuLayers: 0, useMmap: false});
  const context = await model.createContext({contextSize: 256, threads: 2, flashAttention: false});
  const sequence = context.getSequence();
  const out = await sequence.controlledEvaluate(ids.map((id, i) => i === ids.length - 1 ? id : [id, {generateNext: {probabilities: true}}]));
  const scores = ids.slice(1).map((id, i) => Math.log(out[i].next.probabilities.get(id)));
  await model.dispose();
  return scores;
}

// ---- one GGUF file

async function checkGguf(path, expected, ids, noise) {
  const {metadata, tensorInfos} = await gguf(at(path), {allowLocalFile: true});
  const table = tensorInfos.find(t => t.name === "token_embd.weight");
  for (const key of ["general.name", "general.architecture", "general.file_type", "general.quantization_version"])
    check(metadata[key] !== undefined, `${path}: no key ${key}`);
  check(metadata["tokenizer.ggml.tokens"].length === Number(table.shape[1]), `${path}: ${metadata["tokenizer.ggml.tokens"].length} tokens, ${table.shape[1]} rows`);
  check(!readFileSync(at(path)).includes(work), `${path}: holds a path of the machine`);
  const own = score(path);
  if (expected)
    check(meanDifference(own, expected) < 1e-5, `${path}: Vernier's scores differ from the folder's by ${meanDifference(own, expected)}`);
  if (!llama)
    return;
  const found = meanDifference(own, await llamaScores(at(path), ids));
  console.log(`${path}: llama.cpp differs by ${found.toFixed(5)} nats a token on average`);
  check(found < noise, `${path}: llama.cpp differs by ${found}, expected less than ${noise}`);
}

// ---- folders

/** The hub, as far as its reader asks: files of a folder. */
function localFetch(folder) {
  return async (url, init = {}) => {
    const path = join(folder, decodeURIComponent(new URL(url).pathname.split(/\/(?:resolve|raw)\/main\//)[1] ?? ""));
    if (!existsSync(path) || !statSync(path).isFile())
      return new Response(null, {status: 404});
    const size = statSync(path).size;
    const range = new Headers(init.headers).get("range")?.match(/bytes=(\d+)-(\d*)/);
    const [from, to] = range ? [Number(range[1]), Math.min(size - 1, range[2] ? Number(range[2]) : size - 1)] : [0, size - 1];
    const bytes = Buffer.alloc(Math.max(0, to - from + 1));
    const file = openSync(path, "r");
    readSync(file, bytes, 0, bytes.length, from);
    closeSync(file);
    return new Response(init.method === "HEAD" ? null : bytes, {status: range ? 206 : 200,
      headers: {"content-length": String(bytes.length), "content-range": `bytes ${from}-${to}/${size}`, etag: '"x"'}});
  };
}

function checkTexts(folder) {
  for (const name of readdirSync(at(folder)).filter(n => /\.(json|md|yaml|jsonl|svg)$/.test(n)))
    check(!readFileSync(at(folder, name), "utf8").includes(work), `${folder}/${name}: holds a path of the machine`);
}

function checkCard(folder, wanted) {
  const card = readFileSync(at(folder, "README.md"), "utf8");
  const header = YAML.parse(card.match(/^---\n([\s\S]*?)\n---\n/)[1]);
  for (const [key, value] of Object.entries({pipeline_tag: "text-generation", ...wanted}))
    check(header[key] === value, `${folder}: the card's ${key} is ${header[key]}, expected ${value}`);
  check(Array.isArray(header.tags) && header.tags.includes("vernier"), `${folder}: the card's tags are ${header.tags}`);
}

async function checkFolder(folder, parameters, library) {
  const parsed = await parseSafetensorsMetadata({repo: "local/model", hubUrl: "https://local", fetch: localFetch(at(folder)), computeParametersCount: true});
  const found = Object.values(parsed.parameterTotal !== undefined ? [parsed.parameterTotal] : parsed.parameterCount).reduce((a, b) => a + b);
  if (parameters)
    check(found === parameters, `${folder}: the hub counts ${found} parameters, expected ${parameters}`);
  check(Object.keys(parsed.sharded ? parsed.headers : parsed.header).length > 1, `${folder}: no tensors`);
  checkCard(folder, {library_name: library, license: "apache-2.0"});
  checkTexts(folder);
  checkTokenizer(folder);
}

function checkTokenizer(folder) {
  const config = json(at(folder, "tokenizer_config.json"));
  check(JSON.stringify(config.model_input_names) === '["input_ids","attention_mask"]', `${folder}: model_input_names are ${config.model_input_names}`);
  check(config.model_max_length === 256, `${folder}: model_max_length is ${config.model_max_length}`);
  const texts = ["the thing is a thing, then", "  12 ways\n\tto say hello", "grüße 日本 🙂", "<|start|>user\nhi<|end|>"];
  const messages = [{role: "user", content: " hello there "}, {role: "assistant", content: "the thing"}, {role: "user", content: "ok"}];
  writeFileSync(at("texts.jsonl"), [...texts.map(text => ({text})), {messages, add_generation_prompt: true}].map(r => JSON.stringify(r)).join("\n") + "\n");
  vernier("tokenize", folder, "--file", "texts.jsonl", "--out", "tokens.jsonl");
  const own = lines(at("tokens.jsonl"));
  const tokenizer = new Tokenizer(json(at(folder, "tokenizer.json")), config);
  texts.forEach((text, i) => check(JSON.stringify([...tokenizer.encode(text).ids]) === JSON.stringify(own[i].ids), `${folder}: other ids for ${JSON.stringify(text)}: ${[...tokenizer.encode(text).ids]} and ${own[i].ids}`));
  const template = config.chat_template ?? readFileSync(at(folder, "chat_template.jinja"), "utf8");
  const rendered = new Template(template).render({messages, add_generation_prompt: true, bos_token: config.bos_token, eos_token: config.eos_token});
  check(rendered === own[texts.length].text, `${folder}: jinja renders ${JSON.stringify(rendered)}, Vernier ${JSON.stringify(own[texts.length].text)}`);
}

// ---- the run

write(work);
const ids = Array.from({length: 100}, (_, i) => (i * 37 + 11) % 269);
writeFileSync(at("ids.jsonl"), JSON.stringify({ids}) + "\n");
await openLlama();
for (const name of Object.keys(models)) {
  const expected = score(name);
  vernier("export", name, "--to", "gguf", "--dtype", "f32", "--out", `${name}.gguf`);
  await checkGguf(`${name}.gguf`, expected, ids, 0.01);
}
const first = "llama3-rope";
for (const type of ["f16", "bf16"]) {
  vernier("export", first, "--to", "gguf", "--dtype", type, "--out", `${type}.gguf`);
  await checkGguf(`${type}.gguf`, null, ids, 0.05);
}
for (const [bits, scheme] of [[4, "rtn-sym"], [4, "rtn"], [5, "rtn-sym"], [5, "rtn"], [8, "rtn-sym"]]) {
  const path = `q${bits}-${scheme}.gguf`;
  vernier("quantize", first, "--bits", `${bits}`, "--group", "32", "--scheme", scheme, "--out", path);
  await checkGguf(path, null, ids, 0.1);
}
writeFileSync(at("train.jsonl"), ["the thing is", "a way to say hello", "then on the wall"].map(text => JSON.stringify({text})).join("\n") + "\n");
vernier("tune", "q4-rtn.gguf", "--data", at("train.jsonl"), "--steps", "2", "--context", "32", "--granularity", "group", "--out", at("run-peqa"));
vernier("export", "q4-rtn.gguf", "--adapter", "run-peqa", "--to", "gguf", "--out", "tuned.gguf");
await checkGguf("tuned.gguf", null, ids, 0.1);
checkCard("run-peqa", {library_name: "vernier", license: "apache-2.0"});
checkTexts("run-peqa");

vernier("tune", at(first), "--data", at("train.jsonl"), "--steps", "2", "--context", "32", "--method", "lora", "--base-model", "them/tiny", "--out", at("run-lora"));
checkCard("run-lora", {library_name: "peft", base_model: "them/tiny", license: "apache-2.0"});
checkTexts("run-lora");
check(json(at("run-lora", "adapter_config.json")).base_model_name_or_path === "them/tiny", "run-lora: another base");
check(json(at("run-lora", "adapter_config.json")).vernier === undefined, "run-lora: a key that PEFT does not know");

const parameters = Number(vernier("inspect", first, "--json", "-").match(/"parameters": (\d+)/)[1]);
for (const [scheme, format] of [["rtn-sym", "gptq"], ["rtn", "gptq_v2"]]) {
  vernier("quantize", first, "--bits", "4", "--group", "32", "--scheme", scheme, "--out", `native-${scheme}`);
  vernier("export", `native-${scheme}`, "--to", "gptq", "--out", `gptq-${scheme}`);
  await checkFolder(`gptq-${scheme}`, parameters, "transformers");
  check(json(at(`gptq-${scheme}`, "config.json")).quantization_config.checkpoint_format === format, `gptq-${scheme}: another format than ${format}`);
}
for (const to of ["awq", "mlx"]) {
  vernier("export", "native-rtn", "--to", to, "--out", to);
  await checkFolder(to, to === "awq" ? parameters : null, to === "mlx" ? "mlx" : "transformers");
}
await checkFolder("native-rtn", null, "vernier");
vernier("export", "q8-rtn-sym.gguf", "--to", "hf", "--out", "hf");
await checkFolder("hf", parameters, "transformers");
vernier("export", first, "--to", "hf", "--untie", "--out", "hf-untied");
await checkFolder("hf-untied", parameters + 328 * 128, "transformers");
await llama?.dispose();

for (const failure of failures)
  console.log(`FAILED  ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
