// The guide's pictures: a new one takes the place of the committed one only if it shows something else. Times and ids differ from
// run to run, and `make gen` must leave the tree clean.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** The part of a picture's pixels that may differ: some times and ids do, a moved or changed control makes more. */
const SAME = 0.005;

/** Writes `shot` (PNG) to `path`, unless what is there shows the same. */
export async function keepPicture(context, path, shot) {
  if (existsSync(path) && (await difference(context, readFileSync(path), shot)) < SAME) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, shot);
}

/** Which part of the pixels differ between two pictures, 0 to 1; 1 when their sizes do. The browser that took them decodes them. */
async function difference(context, before, after) {
  const page = await context.newPage();
  try {
    return await page.evaluate(compare, [before, after].map((picture) => `data:image/png;base64,${picture.toString("base64")}`));
  } finally {
    await page.close();
  }
}

/** Runs in the page. */
async function compare(urls) {
  const pictures = await Promise.all(
    urls.map(async (src) => {
      const image = Object.assign(new Image(), { src });
      await image.decode();
      return image;
    }),
  );
  const [before, after] = pictures;
  if (before.width !== after.width || before.height !== after.height) return 1;
  const [left, right] = pictures.map((image) => {
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    return new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  });
  return left.reduce((count, pixel, at) => count + (pixel === right[at] ? 0 : 1), 0) / left.length;
}
