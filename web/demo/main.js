/* Ties the page together: a file or an example in, an answer out. */

import { decode, ImageError } from "./decode.js";
import { asInput, preprocess } from "./preprocess.js";
import { classify } from "./session.js";
import { say, showError, showExamples, showResult } from "./view.js";

const urlOf = (name) => new URL(name, import.meta.url).href;
const drop = document.getElementById("demo-drop");
const input = document.getElementById("demo-file");
let latest = 0; // an answer that was overtaken by another image is not shown

async function look(file, name) {
  const mine = ++latest;
  say("Reading the image. The first one takes a moment: the network is being loaded.");
  try {
    const picture = await decode(file);
    const seen = preprocess(picture, manifest.image_size, manifest.scale_bar);
    const answer = await classify(asInput(seen), manifest.image_size, manifest.temperature);
    if (mine === latest) showResult(answer, seen, name, manifest);
  } catch (error) {
    if (mine !== latest) return;
    const known = error instanceof ImageError;
    showError(known ? error.message : `The network could not be run in this browser: ${error.message}. Reload the page to try again.`);
  }
}

async function lookAtExample({ file, label }) {
  const reply = await fetch(urlOf(file));
  if (!reply.ok) return showError(`${file} could not be loaded (status ${reply.status}). Reload the page to try again.`);
  await look(await reply.blob(), `SYNTHETIC example, drawn as ${label}`);
}

function take(files) {
  if (files.length > 1) return showError("One image at a time, please.");
  if (files.length) look(files[0], files[0].name);
}

input.addEventListener("change", () => {
  take(input.files);
  input.value = ""; // so that the same file can be chosen again
});
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("demo-over");
  });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("demo-over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  take(event.dataTransfer.files);
});

const manifest = await (await fetch(urlOf("manifest.json"))).json();
showExamples(manifest.examples, lookAtExample, urlOf);
input.disabled = false;
say("Ready: choose an image or an example.");
