// Enhancements of all pages. Each page works without them.

// Show times, which come in UTC, in the customer's time zone; those with a date in full.
export function localise(times) {
  const clock = new Intl.DateTimeFormat(undefined, {timeStyle: "medium"});
  const date = new Intl.DateTimeFormat(undefined, {dateStyle: "medium", timeStyle: "short"});
  for (const time of times) {
    const at = new Date(time.dateTime);
    time.title = at.toLocaleString();
    time.textContent = (time.textContent.includes("UTC") ? date : clock).format(at);
  }
}

// The live part of an order's page localises its own times.
localise(document.querySelectorAll("main time:not([data-live] time)"));

// Submit a form marked data-once only once; its button is disabled after that.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    const button = form.querySelector("button.main");
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.dataset.busy || button.textContent;
  });
}

// Show the fields of a country as soon as it is chosen.
for (const select of document.querySelectorAll("select[data-refresh]")) {
  const button = select.form.querySelector("button[data-refreshes]");
  button.hidden = true;
  select.addEventListener("change", () => select.form.requestSubmit(button));
}

// Reload a page restored by the back button, to enable its forms and to update the size of the basket.
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// Submit a quantity in the basket as soon as it is changed.
for (const input of document.querySelectorAll("form.quantity input[type=number]")) {
  input.addEventListener("change", () => input.form.requestSubmit());
}

// Without a colour emoji font, show the first letter of the name instead of an empty box. A colour emoji
// keeps its colours when drawn in black.
function hasEmoji() {
  const pen = Object.assign(document.createElement("canvas"), {width: 20, height: 20}).getContext("2d");
  pen.font = "16px sans-serif";
  pen.fillText("\u{1F352}", 0, 16);
  const dots = pen.getImageData(0, 0, 20, 20).data;
  return dots.some((value, index) => index % 4 < 3 && value > 0);
}
const pictures = document.querySelectorAll(".picture[data-letter]");
if (pictures.length && !hasEmoji()) {
  for (const picture of pictures) {
    picture.textContent = picture.dataset.letter;
    picture.classList.add("letter");
  }
}

// Move the focus to the errors, so that screen readers read them first.
document.querySelector("[data-focus]")?.focus();
