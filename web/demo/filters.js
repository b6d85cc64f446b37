/* Filters of maps { width, height, data }, equal to scipy.ndimage's with the same window and border. */

export const map = (height, width, make = Uint8Array) => ({ height, width, data: new make(height * width) });

/** A map of bits: where `test(value, index)` holds. */
export function where(source, test) {
  const found = map(source.height, source.width);
  for (let i = 0; i < found.data.length; i++) found.data[i] = test(source.data[i], i) ? 1 : 0;
  return found;
}

export const any = (bits) => bits.data.includes(1);

export function transposed({ height, width, data }) {
  const turned = { height: width, width: height, data: new data.constructor(data.length) };
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) turned.data[x * height + y] = data[y * width + x];
  return turned;
}

/** Largest value in a window of `size` columns; the window of an even size reaches one further to the left. */
export const maximumRows = (source, size) => alongRows(source, size, (a, b) => a >= b);
/** Smallest value; with `outside` 0 what lies beyond the border counts as 0, else it does not count. */
export const minimumRows = (source, size, outside = null) => alongRows(source, size, (a, b) => a <= b, outside);

export const maximum = (source, side) => square(source, side, maximumRows);
export const closing = (source, side) => square(square(source, side, maximumRows), side, minimumRows);
export const opening = (source, side) => square(square(source, side, minimumRows), side, maximumRows);

function square(source, side, filter) {
  return transposed(filter(transposed(filter(source, side)), side));
}

/** The winner of a sliding window by a queue of candidates, so that cost does not grow with the window. */
function alongRows({ height, width, data }, size, beats, outside = null) {
  const left = size >> 1;
  const right = size - left - 1;
  const out = new data.constructor(data.length);
  const queue = new Int32Array(width);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let head = 0;
    let tail = 0;
    let next = 0;
    for (let x = 0; x < width; x++) {
      for (; next <= Math.min(x + right, width - 1); next++) {
        while (tail > head && beats(data[row + next], data[row + queue[tail - 1]])) tail--;
        queue[tail++] = next;
      }
      while (queue[head] < x - left) head++;
      const cut = x < left || x + right >= width;
      const best = data[row + queue[head]];
      out[row + x] = cut && outside !== null && beats(outside, best) ? outside : best;
    }
  }
  return { height, width, data: out };
}

/** Number the clusters of a map of bits, neighbours sharing an edge: { labels, count }, 0 is outside, numbers from 1 in reading order. */
export function clusters({ height, width, data }) {
  const labels = new Int32Array(data.length);
  const stack = [];
  let count = 0;
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || labels[start]) continue;
    labels[start] = ++count;
    stack.push(start);
    while (stack.length) {
      const here = stack.pop();
      const x = here % width;
      const around = [x > 0 && here - 1, x < width - 1 && here + 1, here >= width && here - width, here < width * (height - 1) && here + width];
      for (const near of around) {
        if (near !== false && data[near] && !labels[near]) {
          labels[near] = count;
          stack.push(near);
        }
      }
    }
  }
  return { labels, count };
}
