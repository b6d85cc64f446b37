/* The network's view of a picture: neurallnet.data.images.preprocess, in the same steps. Hues are normalized by the model file. */

import { cropBlackBorders } from "./borders.js";
import { ImageError } from "./decode.js";
import { resize } from "./resample.js";
import { removeScaleBar } from "./scale_bar.js";

/** The picture at size x size pixels, as the network sees it; throws ImageError for one that is black all over. */
export function preprocess(picture, size, scaleBar = "removed") {
  let field = picture;
  if (scaleBar === "removed") {
    field = cropBlackBorders(picture);
    if (!field) throw new ImageError("The image is black all over and shows no field of view.");
    field = removeScaleBar(field);
  }
  return resize(field, size);
}

/** Float32Array (3, height, width) in [0, 1]: channels first, as the model file takes it. */
export function asInput({ width, height, data }) {
  const plane = width * height;
  const input = new Float32Array(3 * plane);
  for (let pixel = 0; pixel < plane; pixel++) {
    for (let channel = 0; channel < 3; channel++) input[channel * plane + pixel] = data[3 * pixel + channel] / 255;
  }
  return input;
}
