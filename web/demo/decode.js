/* From a file to 8-bit RGB exactly as stored: no colour profile, no EXIF turn, no transparency. What Python's
 * neurallnet.data.images refuses is refused here too, as far as a browser lets us see it. Nothing is sent anywhere. */

import { storedAs, withoutOrientation } from "./header.js";

export const MAX_PIXELS = 50_000_000; // as in neurallnet/data/images.py

/** An image that cannot be used; the message says why and what to do. */
export class ImageError extends Error {}

/** The picture { width, height, data } in a File or Blob; throws ImageError. */
export async function decode(file) {
  const name = file.name ?? "the image";
  if (!file.size) throw new ImageError(`${name} is empty (0 bytes).`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const kind = storedAs(bytes);
  if (kind) throw new ImageError(`${name} is stored as ${kind}, not as 8-bit RGB. Convert it first; how that is done changes its colours.`);
  let bitmap;
  try {
    const asStored = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    bitmap = await createImageBitmap(new Blob(withoutOrientation(bytes)), asStored);
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
