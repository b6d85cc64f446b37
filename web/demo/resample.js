/* Pillow's antialiased BILINEAR, to the bit: a triangle filter as wide as the shrinking, in whole numbers of 22 bits, one pass
 * along the rows and one along the columns with 8-bit rounding between them (Pillow, src/libImaging/Resample.c). A canvas would
 * scale in another way in every browser, and the network would see another picture than it was trained on.
 *
 * A picture is { width, height, data } with data a Uint8Array of R, G, B per pixel, row by row.
 */

const PRECISION_BITS = 32 - 8 - 2;
const SUPPORT = 1; // half width of the triangle, in pixels of the smaller picture

/** The picture at `size` x `size` pixels; the picture itself when it has that size. */
export function resize(picture, size) {
  const rows = (given) => (given.width === size ? given : alongRows(given, size));
  const columns = (given) => (given.height === size ? given : transposed(alongRows(transposed(given), size)));
  return columnsFirst(picture, size) ? rows(columns(picture)) : columns(rows(picture));
}

/** Which pass Pillow 13 takes first; rounding between passes makes it visible. Found by comparing; earlier ones always began with rows. */
function columnsFirst({ width, height }, size) {
  return height > size && height + size > 2 * width;
}

/** For each of `to` output pixels: the first input pixel and its whole-number weights. */
export function coefficients(from, to) {
  const scale = from / to;
  const filterScale = Math.max(scale, 1);
  const support = SUPPORT * filterScale;
  return Array.from({ length: to }, (_, place) => {
    const center = (place + 0.5) * scale;
    const first = Math.max(Math.trunc(center - support + 0.5), 0);
    const end = Math.min(Math.trunc(center + support + 0.5), from);
    const weights = [];
    let total = 0;
    for (let x = first; x < end; x++) {
      const weight = triangle((x - center + 0.5) * (1 / filterScale));
      weights.push(weight);
      total += weight;
    }
    return { first, weights: weights.map((weight) => Math.trunc(0.5 + (total ? weight / total : weight) * 2 ** PRECISION_BITS)) };
  });
}

function triangle(x) {
  return Math.max(0, 1 - Math.abs(x));
}

function alongRows({ width, height, data }, to) {
  const out = new Uint8Array(to * height * 3);
  const plan = coefficients(width, to);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < to; x++) {
      const { first, weights } = plan[x];
      for (let channel = 0; channel < 3; channel++) {
        let sum = 2 ** (PRECISION_BITS - 1);
        let place = (y * width + first) * 3 + channel;
        for (let k = 0; k < weights.length; k++, place += 3) sum += data[place] * weights[k];
        out[(y * to + x) * 3 + channel] = Math.max(0, Math.min(255, sum >> PRECISION_BITS));
      }
    }
  }
  return { width: to, height, data: out };
}

function transposed({ width, height, data }) {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      out.set([data[from], data[from + 1], data[from + 2]], (x * height + y) * 3);
    }
  }
  return { width: height, height: width, data: out };
}
