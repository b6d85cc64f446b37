/* Scale bars, found and painted out: neurallnet/data/scale_bar.py in the same steps; the reasons stand there. */

import { ink, rules, WHITE } from "./burned_in.js";
import { clusters, map, maximum } from "./filters.js";
import { quantile, rint } from "./numbers.js";

const PATCH = 0.16;
const GROWTH = 0.08;
const REACH = [0.24, 0.3];
const WORKING_WIDTH = 640;
const LEAST_SIDE = 32;
const LEAST_INK = 0.03;
const LEAST_LENGTH = 0.04;
const JOIN = 0.03;
const MARGIN = 0.02;

/** The picture with its scale bar painted over; the picture itself when it has none. */
export function removeScaleBar(picture) {
  const { width, height } = picture;
  if (Math.min(width, height) < LEAST_SIDE) return picture;
  const redness = cellRedness(picture);
  for (const [flipY, flipX] of [[false, false], [false, true], [true, false], [true, true]]) {
    const box = lowerRight(picture, flipY, flipX, redness);
    if (box) return painted(picture, flipY, flipX, patch(height - box.top, height), patch(width - box.left, width));
  }
  return picture;
}

/** How far red exceeds green and blue in the reddest of the picture's own cells. */
function cellRedness({ width, height, data }) {
  const every = Math.max(1, Math.floor(width / 64));
  const values = [];
  for (let y = Math.floor(height / 4); y < Math.floor((3 * height) / 4); y += every) {
    for (let x = 0; x < width; x += every) {
      const place = (y * width + x) * 3;
      values.push(data[place] - Math.max(data[place + 1], data[place + 2]));
    }
  }
  return quantile(values, 0.995);
}

function lowerRight(picture, flipY, flipX, redness) {
  const { width, height } = picture;
  const every = Math.max(1, Math.ceil(width / WORKING_WIDTH));
  const [rows, columns] = [height, width].map((side, k) => Math.floor(rint(REACH[k] * side) / every) * every);
  if (!rows || !columns) return null;
  const corner = planes(picture, flipY, flipX, rows, columns, every);
  const working = Math.floor(width / every);
  for (const marks of [() => ink(corner, working, redness), () => rules(corner, working)]) {
    const found = bar(marks(), corner, working);
    if (found) return { top: height - rows + every * found.top, left: width - columns + every * found.left };
  }
  return null;
}

/** The channels of the lower right corner of the flipped picture, means of blocks of `every` pixels. */
function planes({ width, height, data }, flipY, flipX, rows, columns, every) {
  const made = [0, 1, 2].map(() => map(rows / every, columns / every, Int16Array));
  const small = columns / every;
  for (const [channel, plane] of made.entries()) {
    for (let i = 0; i < plane.data.length; i++) {
      const [top, left] = [height - rows + Math.floor(i / small) * every, width - columns + (i % small) * every];
      let total = 0;
      for (let y = top; y < top + every; y++) {
        for (let x = left; x < left + every; x++) {
          total += data[((flipY ? height - 1 - y : y) * width + (flipX ? width - 1 - x : x)) * 3 + channel];
        }
      }
      plane.data[i] = Math.floor(total / every ** 2);
    }
  }
  return made;
}

/** Top and left of the largest cluster of marks and of the paper around it, if it is as large as a bar. */
function bar(marks, [red, green, blue], width) {
  if (marks.data.reduce((sum, bit) => sum + bit, 0) < LEAST_INK * width) return null;
  const joined = clusters(maximum(marks, 2 * Math.max(1, rint((JOIN * width) / 2)) + 1));
  const sizes = new Array(joined.count + 1).fill(0);
  marks.data.forEach((bit, i) => (sizes[joined.labels[i]] += bit));
  const largest = sizes.indexOf(Math.max(...sizes));
  let [top, left, bottom, right] = [Infinity, Infinity, 0, 0];
  marks.data.forEach((bit, i) => {
    if (!bit || joined.labels[i] !== largest) return;
    const [y, x] = [Math.floor(i / marks.width), i % marks.width];
    [top, left, bottom, right] = [Math.min(top, y), Math.min(left, x), Math.max(bottom, y + 1), Math.max(right, x + 1)];
  });
  if (sizes[largest] < LEAST_INK * width || Math.max(bottom - top, right - left) < LEAST_LENGTH * width) return null;
  const white = (y, x) => [red, green, blue].every((plane) => plane.data[y * plane.width + x] >= WHITE);
  const most = rint(MARGIN * width);
  const rowIs = (y) => range(left, right).every((x) => white(y, x));
  const above = leading(range(Math.max(0, top - most), top).reverse(), rowIs);
  const below = leading(range(bottom, Math.min(bottom + most, red.height)), rowIs);
  [top, bottom] = [top - above, bottom + below];
  const columnIs = (x) => range(top, bottom).every((y) => white(y, x));
  return { top, left: left - leading(range(Math.max(0, left - most), left).reverse(), columnIs) };
}

const range = (from, to) => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** How many of `places`, from the first on, pass the test. */
function leading(places, test) {
  const stop = places.findIndex((place) => !test(place));
  return stop < 0 ? places.length : stop;
}

function patch(reach, side) {
  let share = PATCH;
  while (rint(share * side) < reach) share += GROWTH;
  return Math.min(rint(share * side), Math.floor(side / 2));
}

/** A copy whose corner shows the rows next to it, mirrored, blended into the columns next to it. */
function painted({ width, height, data }, flipY, flipX, high, wide) {
  const clean = data.slice();
  const at = (y, x, channel) => ((flipY ? height - 1 - y : y) * width + (flipX ? width - 1 - x : x)) * 3 + channel;
  const ramp = Math.max(2, Math.floor(wide / 8));
  for (let i = 0; i < high; i++) {
    for (let j = 0; j < wide; j++) {
      for (let channel = 0; channel < 3; channel++) {
        let value = data[at(height - high - 1 - i, width - wide + j, channel)];
        if (j < ramp) {
          const share = (j + 0.5) / ramp;
          const beside = data[at(height - high + i, width - wide - 1 - j, channel)];
          value = rint(Math.fround(share * value + (1 - share) * beside));
        }
        clean[at(height - high + i, width - wide + j, channel)] = value;
      }
    }
  }
  return { width, height, data: clean };
}
