/* What software draws into a picture: neurallnet/data/burned_in.py, constant by constant; the reasons stand there. */

import { any, closing, map, maximumRows, minimumRows, opening, transposed, where } from "./filters.js";
import { rint } from "./numbers.js";

export const WHITE = 240;
const STROKE = 0.035;
const BLACK = 60;
const NEUTRAL = 60;
const RED = 12;
const RED_STEP = 40;
const SHARP = 200;
const RULE_LENGTH = 0.07;
const RULE_THICK = 0.02;
const DARK = 60;
const RULE_STEP = 8;

/** Black ink on white paper and thin red ink in three planes cut from a picture of `width` pixels. */
export function ink([red, green, blue], width, redness) {
  const side = Math.max(3, rint(STROKE * width)) | 1;
  const faded = Math.min(1, width / SHARP);
  const combine = (choose) => ({ ...red, data: red.data.map((value, i) => choose(value, green.data[i], blue.data[i])) });
  const brightest = combine(Math.max);
  const faintest = combine(Math.min);
  let found = map(red.height, red.width);
  const least = brightest.data.reduce((a, b) => Math.min(a, b));
  const most = faintest.data.reduce((a, b) => Math.max(a, b));
  if (least < 255 - BLACK && most >= WHITE) {
    const around = closing(brightest, side);
    const dark = where(brightest, (value, i) => around.data[i] - value > faded * BLACK && value - faintest.data[i] < NEUTRAL);
    if (any(dark)) {
      const paper = closing(faintest, side);
      found = where(dark, (bit, i) => bit && paper.data[i] >= WHITE);
    }
  }
  const excess = combine((r, g, b) => r - Math.max(g, b));
  const strong = where(excess, (value) => value > RED + Math.max(0, redness));
  if (any(strong)) {
    const around = opening(excess, side);
    found = where(found, (bit, i) => bit || (strong.data[i] && excess.data[i] - around.data[i] > faded * RED_STEP));
  }
  return found;
}

/** Horizontal and vertical rules. */
export function rules([red, green, blue], width) {
  const faintest = { ...red, data: red.data.map((value, i) => Math.min(value, green.data[i], blue.data[i])) };
  const upright = transposed(horizontal(transposed(faintest), width));
  return where(horizontal(faintest, width), (bit, i) => bit || upright.data[i]);
}

function horizontal(grey, width) {
  const length = Math.max(8, rint(RULE_LENGTH * width));
  const thick = Math.max(2, rint(RULE_THICK * width));
  const found = map(grey.height, grey.width);
  const step = map(grey.height - 1, grey.width, Int16Array);
  for (let i = 0; i < step.data.length; i++) step.data[i] = grey.data[i + grey.width] - grey.data[i];
  const rising = runs(where(step, (value) => value > RULE_STEP), length);
  const falling = runs(where(step, (value) => value < -RULE_STEP), length);
  const kinds = [
    [rising, falling, (value) => value >= WHITE],
    [falling, rising, (value) => value <= DARK],
  ];
  for (const [first, second, paint] of kinds) {
    if (!any(first) || !any(second)) continue;
    const inside = runs(where(grey, paint), length);
    for (let rows = 1; rows <= thick; rows++) {
      const middle = (rows + 1) >> 1;
      for (let i = 0; i < (step.height - rows) * grey.width; i++) {
        const at = middle * grey.width + i;
        if (first.data[i] && second.data[rows * grey.width + i] && inside.data[at]) found.data[at] = 1;
      }
    }
  }
  return any(found) ? maximumRows(found, length) : found;
}

/** Middles of runs of `length` or more marked pixels in a row. */
function runs(edge, length) {
  if (edge.width < length || !any(edge)) return map(edge.height, edge.width);
  return minimumRows(edge, length, 0);
}
