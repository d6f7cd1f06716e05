// Scales a chosen picture down to what the shop takes. A picture that is drawn anew also loses what a camera
// has written into it, such as the place.
"use strict";

const SIDE = 1200;
const MOST = 200000;

async function scaled(file) {
  const bitmap = await createImageBitmap(file);
  const factor = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * factor));
  canvas.height = Math.max(1, Math.round(bitmap.height * factor));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  for (const quality of [0.9, 0.8, 0.65, 0.5, 0.3]) {
    const blob = await new Promise((done) => canvas.toBlob(done, "image/webp", quality));
    if (blob && blob.size <= MOST) return new File([blob], "picture.webp", { type: blob.type });
  }
  return file;
}

document.querySelector("#id_file")?.addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  const button = target.form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const chosen = new DataTransfer();
    chosen.items.add(await scaled(file));
    target.files = chosen.files;
  } catch {
    // No picture that this browser knows: the shop says what is wrong with it.
  }
  button.disabled = false;
});
