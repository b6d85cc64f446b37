/* What the visitor sees. Every drawing has its numbers in text beside it or as its label. */

const byId = (id) => document.getElementById(id);
export const percent = (share) => `${(100 * share).toFixed(1)}%`;

/** An element with attributes and children; text is set as text, never as markup. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function say(text) {
  byId("demo-status").textContent = text;
}

/** Show a fault and hide the last answer: it belongs to another image. */
export function showError(text) {
  byId("demo-error").textContent = text;
  byId("demo-result").hidden = true;
  say("");
}

export function showExamples(examples, choose, urlOf) {
  for (const example of examples) {
    const label = `Drawn smear, class ${example.label}`;
    const picture = element("img", { src: urlOf(example.file), alt: "", width: 112, height: 112 });
    const button = element("button", { type: "button", "data-example": example.file }, picture);
    button.append(element("span", { class: "demo-tag" }, "SYNTHETIC"), element("span", {}, label));
    button.addEventListener("click", () => choose(example));
    byId("demo-examples").append(button);
  }
}

/** The whole answer; `manifest` has the names of the classes. */
export function showResult(answer, seen, name, manifest) {
  const best = answer.probabilities.indexOf(Math.max(...answer.probabilities));
  const verdict = `${manifest.classes[best]}, ${percent(answer.probabilities[best])}`;
  byId("demo-error").textContent = "";
  byId("demo-verdict").textContent = verdict;
  byId("demo-name").textContent = name;
  showSeen(seen);
  showFlag(answer.score, manifest.flag);
  byId("demo-classes").replaceChildren(...manifest.classes.map((label, k) => classRow(label, answer.probabilities[k], k === best)));
  showRates(answer.rates);
  byId("demo-gates").replaceChildren(...answer.gates.map(gateStrip));
  byId("demo-gates-part").hidden = answer.gates.length === 0; // a network without squeeze-and-excitation has none
  byId("demo-result").hidden = false;
  say(`${name}: ${verdict}. ${flagText(answer.score, manifest.flag).short} Not a medical device.`);
}

function classRow(label, probability, isBest) {
  const bar = element("td", { class: "demo-bar", "aria-hidden": "true" }, element("span"));
  bar.firstChild.style.width = percent(probability);
  const row = element("tr", isBest ? { class: "demo-best" } : {}, element("th", { scope: "row" }, label), bar);
  row.append(element("td", { "data-probability": probability }, percent(probability)));
  return row;
}

/** The pixels the network reads, for the visitor to check. */
function showSeen({ width, height, data }) {
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let pixel = 0; pixel < width * height; pixel++) rgba.set(data.subarray(3 * pixel, 3 * pixel + 3), 4 * pixel);
  const canvas = byId("demo-seen");
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
}

function flagText(score, flag) {
  if (score === null || !flag) return { short: "", long: "" };
  const numbers = `distance ${score.toFixed(1)}, flagged above ${flag.threshold.toFixed(1)}`;
  if (score > flag.threshold) {
    return { short: "Unlike the training images.", long: `Unlike the training images (${numbers}): do not read anything into the answer.` };
  }
  return { short: "", long: `Not flagged as unlike the training images (${numbers}).` };
}

function showFlag(score, flag) {
  const line = byId("demo-flag");
  line.textContent = flagText(score, flag).long;
  line.classList.toggle("demo-flagged", Boolean(flag) && score > flag.threshold);
}

/** One row per block, one column per time step: the share of the block's neurons that fire. */
function showRates(rates) {
  const most = Math.max(...rates.flat(), 1e-6);
  const head = element("tr", {}, element("th", { scope: "col" }, "Block"));
  head.append(...rates.map((_, step) => element("th", { scope: "col" }, `Step ${step + 1}`)));
  const rows = rates[0].map((_, block) => {
    const row = element("tr", {}, element("th", { scope: "row" }, String(block + 1)));
    for (const step of rates) {
      const bar = element("span", { class: "demo-rate", "aria-hidden": "true" });
      bar.style.width = percent(step[block] / most);
      row.append(element("td", {}, percent(step[block]), bar));
    }
    return row;
  });
  byId("demo-rates").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
}

/** A heat strip of one block's gates: a row per time step, a column per channel, darker is more open. */
function gateStrip(gate, block) {
  const [steps, channels] = [gate.length, gate[0].length];
  const all = gate.flat();
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  const place = (value) => `channel ${(all.indexOf(value) % channels) + 1}`;
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const text = `Block ${block + 1}, ${channels} channels: mean ${mean.toFixed(2)}, lowest ${low.toFixed(2)} (${place(low)}), highest ${high.toFixed(2)} (${place(high)})`;
  const label = `Heat strip of the gates, ${steps} time steps by ${channels} channels. ${text}.`;
  const canvas = element("canvas", { width: channels, height: steps, role: "img", "aria-label": label });
  const context = canvas.getContext("2d");
  gate.forEach((row, step) =>
    row.forEach((value, channel) => {
      context.fillStyle = shade(value);
      context.fillRect(channel, step, 1, 1);
    }),
  );
  return element("figure", {}, canvas, element("figcaption", {}, text));
}

/** 0 pale yellow, 1 dark blue; readable in grey too. */
function shade(value) {
  const mix = (from, to) => Math.round(from + (to - from) * value);
  return `rgb(${mix(255, 20)} ${mix(245, 40)} ${mix(190, 110)})`;
}
