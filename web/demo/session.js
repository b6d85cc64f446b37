/* The exported network in onnxruntime-web: WebAssembly on one thread, from files beside this one, nothing from elsewhere. */

import * as ort from "./ort.wasm.bundle.min.mjs";

const here = (name) => new URL(name, import.meta.url).href;

ort.env.wasm.numThreads = 1; // more would need cross-origin isolation, which a plain web server does not give
ort.env.wasm.proxy = false;
ort.env.wasm.wasmPaths = { wasm: here("ort-wasm-simd-threaded.wasm") };
ort.env.logLevel = "error";

let session = null;

/** Load the network once; later calls give the same one. */
export function load() {
  session ??= ort.InferenceSession.create(here("model.onnx"), { executionProviders: ["wasm"] }).catch((error) => {
    session = null; // so that the next image tries again
    throw error;
  });
  return session;
}

/** What the network says of `input`, Float32Array (3, size, size): probabilities, and what its neurons did on the way. */
export async function classify(input, size, temperature = 1) {
  const network = await load();
  const found = await network.run({ images: new ort.Tensor("float32", input, [1, 3, size, size]) });
  const gates = Object.keys(found).filter((name) => name.startsWith("gates."));
  gates.sort((a, b) => Number(a.slice(6)) - Number(b.slice(6)));
  return {
    probabilities: softmax(Array.from(found.logits.data), temperature),
    rates: table(found.spike_rates),
    gates: gates.map((name) => table(found[name])),
    score: found.ood_score ? found.ood_score.data[0] : null,
  };
}

export function softmax(logits, temperature = 1) {
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp((logit - most) / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** A tensor (T, 1, n) as T arrays of n numbers. */
function table({ data, dims }) {
  return Array.from({ length: dims[0] }, (_, step) => Array.from(data.slice(step * dims[2], (step + 1) * dims[2])));
}
