/* Black borders, cropped: neurallnet/data/borders.py in the same steps; the reasons stand there. */

import { map, transposed } from "./filters.js";
import { quantile, rint } from "./numbers.js";

const BLACK = 24;
const BAND = 0.98;
const OPEN = 0.5;
const RIM = 0.005;
const FIT = 0.96;
const SHRINK = 0.97;
const SAMPLES = 160;

/** The field of view of a picture; null when the picture is black all over. */
export function cropBlackBorders(picture) {
  if (black(picture, 1, 1).data.every((bit) => bit)) return null;
  const [rows, columns] = [picture.height, picture.width].map((side) => Math.max(1, Math.floor(side / SAMPLES)));
  const [top, bottom] = band(black(picture, 1, columns));
  const framed = cut(picture, top, bottom, 0, picture.width);
  const [left, right] = band(transposed(black(framed, rows, 1)));
  return cropRound(cut(framed, 0, framed.height, left, right));
}

export function cut(picture, top, bottom, left, right) {
  const { width, height, data } = picture;
  if (top === 0 && left === 0 && bottom === height && right === width) return picture;
  const part = { width: right - left, height: bottom - top, data: new Uint8Array((right - left) * (bottom - top) * 3) };
  for (let y = top; y < bottom; y++) {
    part.data.set(data.subarray((y * width + left) * 3, (y * width + right) * 3), (y - top) * part.width * 3);
  }
  return part;
}

/** Which of every `rows`-th row and `columns`-th column are black, as a map of bits. */
function black({ width, height, data }, rows, columns) {
  const found = map(Math.ceil(height / rows), Math.ceil(width / columns));
  for (let y = 0; y < found.height; y++) {
    for (let x = 0; x < found.width; x++) {
      const place = (y * rows * width + x * columns) * 3;
      found.data[y * found.width + x] = Math.max(data[place], data[place + 1], data[place + 2]) <= BLACK ? 1 : 0;
    }
  }
  return found;
}

/** First row of the field and first row behind it. */
function band({ height, width, data }) {
  const share = Array.from({ length: height }, (_, y) => data.subarray(y * width, (y + 1) * width).reduce((a, b) => a + b, 0) / width);
  return [leading(share), height - leading(share.toReversed())];
}

function leading(share) {
  const rows = Math.max(0, share.findIndex((part) => part < BAND));
  const rim = Math.max(1, rint(RIM * share.length));
  const opened = share.slice(rows + rim, rows + 3 * rim + 1);
  return rows && opened.length && quantile(opened, 0.5) < OPEN ? rows + rim : 0;
}

/** The largest rectangle about the middle of a round field; the picture itself when its field is not round. */
function cropRound(picture) {
  const { width, height } = picture;
  const corners = black(picture, Math.max(1, height - 1), Math.max(1, width - 1));
  if (Math.min(width, height) < 16 || !corners.data.every((bit) => bit)) return picture;
  const [rows, columns] = [height, width].map((side) => Math.max(1, Math.floor(side / SAMPLES)));
  const dark = black(picture, rows, columns);
  const lit = { ...dark, data: dark.data.map((bit) => 1 - bit) };
  const found = ellipse(lit);
  if (!found) return picture;
  const clip = (value, most) => Math.min(Math.max(value, 0), most);
  let best = { area: 0 };
  for (let k = 0; k < 200; k++) {
    const angle = k * ((Math.PI / 2 - 0.02 - 0.02) / 199) + 0.02;
    const [w, h] = [SHRINK * found.halfWidth * Math.cos(angle), SHRINK * found.halfHeight * Math.sin(angle)];
    const [left, right] = [clip(found.x - w, lit.width), clip(found.x + w, lit.width)];
    const [top, bottom] = [clip(found.y - h, lit.height), clip(found.y + h, lit.height)];
    const area = (right - left) * (bottom - top);
    // In a whole ellipse two angles about the middle give one area; the first is taken, as Python does unless rounding says otherwise.
    if (area > best.area * (1 + 1e-12)) best = { area, top, bottom, left, right };
  }
  const [top, bottom, left, right] = [[best.top, rows], [best.bottom, rows], [best.left, columns], [best.right, columns]].map(
    ([edge, every]) => Math.ceil(edge) * every,
  );
  return cut(picture, top, Math.min(bottom, height), left, Math.min(right, width));
}

/** The upright ellipse that is the lit part of a map of bits; null when it is not one. */
function ellipse(lit) {
  const points = [...outer(lit), ...outer(transposed(lit)).map(([y, x]) => [x, y])];
  if (points.length < 12) return null;
  const [middleX, middleY] = [lit.width / 2, lit.height / 2];
  const rows = points.map(([x, y]) => {
    const [u, v] = [(x + 0.5 - middleX) / middleX, (y + 0.5 - middleY) / middleY];
    return [u * u, u, v * v, v];
  });
  const [a, b, c, d] = leastSquares(rows);
  if (!(a > 0 && c > 0)) return null;
  const level = 1 + (b * b) / (4 * a) + (d * d) / (4 * c);
  const [x, y] = [middleX * (1 - b / (2 * a)), middleY * (1 - d / (2 * c))];
  const [halfWidth, halfHeight] = [middleX * Math.sqrt(level / a), middleY * Math.sqrt(level / c)];
  let same = 0;
  for (let i = 0; i < lit.data.length; i++) {
    const [column, row] = [(i % lit.width) + 0.5, Math.floor(i / lit.width) + 0.5];
    same += Number(((column - x) / halfWidth) ** 2 + ((row - y) / halfHeight) ** 2 < 1) === lit.data[i] ? 1 : 0;
  }
  return same / lit.data.length >= FIT ? { x, y, halfWidth, halfHeight } : null;
}

/** [x, y] of the first and last lit pixel of every row that begins and ends in black. */
function outer({ height, width, data }) {
  const points = [];
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    const first = row.indexOf(1);
    if (first > 0 && !row[width - 1]) points.push([first, y], [row.lastIndexOf(1), y]);
  }
  return points;
}

/** The four numbers p with rows · p nearest to 1 each: normal equations, solved by Gaussian elimination with pivots. */
function leastSquares(rows) {
  const system = [0, 1, 2, 3].map((i) => [
    ...[0, 1, 2, 3].map((j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)),
    rows.reduce((sum, row) => sum + row[i], 0),
  ]);
  for (let i = 0; i < 4; i++) {
    const rest = system.slice(i).map((row) => Math.abs(row[i]));
    const pivot = i + rest.indexOf(Math.max(...rest));
    [system[i], system[pivot]] = [system[pivot], system[i]];
    for (let k = 0; k < 4; k++) {
      if (k === i) continue;
      const factor = system[k][i] / system[i][i];
      system[k] = system[k].map((value, j) => value - factor * system[i][j]);
    }
  }
  return system.map((row, i) => row[4] / row[i]);
}
