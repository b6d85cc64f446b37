/* What the first bytes of a PNG or JPEG say, and how to make a browser leave the pixels where they are stored. */

const startsWith = (bytes, ...magic) => magic.every((value, place) => bytes[place] === value);
const isPng = (bytes) => startsWith(bytes, 0x89, 0x50, 0x4e, 0x47);
const isJpeg = (bytes) => startsWith(bytes, 0xff, 0xd8);

/** The name of a form other than 8-bit RGB, which a browser would convert silently; "" for 8-bit RGB and where the bytes do not say. */
export function storedAs(bytes) {
  if (isPng(bytes)) {
    const [depth, colours] = [bytes[24], bytes[25]];
    if (colours === 2 && depth === 8) return "";
    return { 0: "greyscale", 3: "palette", 4: "greyscale with alpha", 6: "colours with alpha" }[colours] ?? `${depth}-bit colours`;
  }
  if (isJpeg(bytes)) {
    const frame = jpegSegments(bytes).find(({ marker }) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker));
    const components = frame ? bytes[frame.start + 9] : 3;
    return { 1: "greyscale", 3: "" }[components] ?? "print colours";
  }
  return "";
}

/** The file in parts, without the EXIF block: browsers turn a picture as it says and cannot be told not to; Python leaves it. */
export function withoutOrientation(bytes) {
  const dropped = isPng(bytes) ? pngExif(bytes) : isJpeg(bytes) ? jpegSegments(bytes).filter(({ marker }) => marker === 0xe1) : [];
  const parts = [];
  let kept = 0;
  for (const { start, end } of dropped) {
    parts.push(bytes.subarray(kept, start));
    kept = end;
  }
  return [...parts, bytes.subarray(kept)];
}

/** Segments of a JPEG before its picture data: { marker, start, end }. */
function jpegSegments(bytes) {
  const found = [];
  for (let start = 2; start + 4 <= bytes.length && bytes[start] === 0xff; ) {
    const marker = bytes[start + 1];
    if (marker === 0xda) break;
    const end = start + 2 + bytes[start + 2] * 256 + bytes[start + 3];
    found.push({ marker, start, end });
    start = end;
  }
  return found;
}

/** The eXIf chunks of a PNG: { start, end }. */
function pngExif(bytes) {
  const found = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 8; start + 12 <= bytes.length; ) {
    const end = start + 12 + view.getUint32(start);
    if (String.fromCharCode(...bytes.subarray(start + 4, start + 8)) === "eXIf" && end <= bytes.length) found.push({ start, end });
    start = end;
  }
  return found;
}
