/* From a file to 8-bit RGB exactly as stored: no colour profile, no EXIF turn, no transparency. What Python's
 * neurallnet.data.images refuses is refused here too, as far as a browser lets us see it. Nothing is sent anywhere. */

export const MAX_PIXELS = 50_000_000; // as in neurallnet/data/images.py

/** An image that cannot be used; the message says why and what to do. */
export class ImageError extends Error {}

/** The picture { width, height, data } in a File or Blob; throws ImageError. */
export async function decode(file) {
  const name = file.name ?? "the image";
  if (!file.size) throw new ImageError(`${name} is empty (0 bytes).`);
  refuseByHeader(new Uint8Array(await file.slice(0, 1 << 16).arrayBuffer()), name);
  let bitmap;
  try {
    const asStored = { colorSpaceConversion: "none", premultiplyAlpha: "none", imageOrientation: "none" };
    bitmap = await createImageBitmap(file, asStored);
  } catch {
    throw new ImageError(`${name} is not an image this browser can read, or it is damaged. Choose a PNG or JPEG file.`);
  }
  try {
    return pixels(bitmap, name);
  } finally {
    bitmap.close();
  }
}

function pixels(bitmap, name) {
  const { width, height } = bitmap;
  if (width * height > MAX_PIXELS) throw new ImageError(`${name} has ${width} x ${height} pixels, more than ${MAX_PIXELS}.`);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  context.drawImage(bitmap, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    if (rgba[from + 3] !== 255) {
      throw new ImageError(`${name} has transparent pixels. Put it on an opaque background and save it as 8-bit RGB first.`);
    }
    data[to++] = rgba[from];
    data[to++] = rgba[from + 1];
    data[to++] = rgba[from + 2];
  }
  return { width, height, data };
}

/** Refuse greyscale, palette, 16-bit and four-colour files, which a browser would convert silently. */
function refuseByHeader(bytes, name) {
  const starts = (...magic) => magic.every((value, place) => bytes[place] === value);
  let kind = "";
  if (starts(0x89, 0x50, 0x4e, 0x47)) {
    const [depth, colours] = [bytes[24], bytes[25]];
    if (colours === 2 && depth === 8) return;
    kind = { 0: "greyscale", 3: "palette", 4: "greyscale with alpha", 6: "colours with alpha" }[colours] ?? `${depth}-bit`;
  } else if (starts(0xff, 0xd8)) {
    const components = jpegComponents(bytes);
    if (components === null || components === 3) return;
    kind = components === 1 ? "greyscale" : "print colours";
  } else {
    return;
  }
  throw new ImageError(`${name} is stored as ${kind}, not as 8-bit RGB. Convert it first; how that is done changes its colours.`);
}

/** Channels of a JPEG, from its frame header; null when that is not among the bytes given. */
function jpegComponents(bytes) {
  for (let place = 2; place + 9 < bytes.length && bytes[place] === 0xff; ) {
    const marker = bytes[place + 1];
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return bytes[place + 9];
    place += 2 + bytes[place + 2] * 256 + bytes[place + 3];
  }
  return null;
}
