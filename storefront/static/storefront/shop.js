// What every page may need; all of them work without it.

// Times come in UTC and are shown in the customer's own time zone: those with a date in full.
export function localise(times) {
  const clock = new Intl.DateTimeFormat(undefined, {timeStyle: "medium"});
  const date = new Intl.DateTimeFormat(undefined, {dateStyle: "medium", timeStyle: "short"});
  for (const time of times) {
    const at = new Date(time.dateTime);
    time.title = at.toLocaleString();
    time.textContent = (time.textContent.includes("UTC") ? date : clock).format(at);
  }
}

// An order's page looks after its own.
localise(document.querySelectorAll("main time:not([data-live] time)"));

// A form marked data-once is sent once: the button says so and does not react again.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    const button = form.querySelector("button.main");
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.dataset.busy || button.textContent;
  });
}

// Coming back with the browser's back button shows the page as it was left: make its forms usable again,
// and the basket's size true.
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// A quantity in the basket counts as soon as it is changed.
for (const input of document.querySelectorAll("form.quantity input[type=number]")) {
  input.addEventListener("change", () => input.form.requestSubmit());
}

// Where no font has colour pictures, the first letter of the name is better than an empty box: a colour
// picture keeps its colours when it is written in black.
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

// What went wrong is read first.
document.querySelector("[data-focus]")?.focus();
