// What HTML alone cannot do: copy a text, and show times in the reader's own zone.
"use strict";

const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const SHORT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function localizeTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.title = WHOLE.format(moment);
    if (element.dataset.format === "moment") element.textContent = SHORT.format(moment);
  }
}

async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  const words = button.querySelector("[data-copied]");
  const before = words.textContent;
  words.textContent = words.dataset.copied;
  setTimeout(() => { words.textContent = before; }, 1500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
}, true);

document.addEventListener("htmx:after:swap", () => localizeTimes(document));
localizeTimes(document);

// The mapping editor: search source fields, put one into the field that is edited, number new rows.
let edited = null;

document.addEventListener("focusin", (event) => {
  if (event.target.matches("#mapping input.mono, #mapping textarea")) edited = event.target;
});

document.addEventListener("input", (event) => {
  const selector = event.target.dataset?.filter;
  if (!selector) return;
  const wanted = event.target.value.trim().toLowerCase();
  let shown = 0;
  for (const row of document.querySelectorAll(selector)) {
    row.hidden = !row.dataset.text.includes(wanted);
    if (!row.hidden) shown += 1;
  }
  document.getElementById("no-source-field").hidden = shown > 0;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-use]");
  if (!button || !edited?.isConnected) return;
  edited.value = button.dataset.use;
  edited.focus();
  edited.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (!ctx.sourceElement.matches("[data-add-custom]")) return;
  const rows = [...document.querySelectorAll("#custom-fields .map-row")];
  const numbers = [...document.querySelectorAll("#custom-fields [name$='.name']")].map((one) => Number(one.name.split(".")[1]));
  ctx.request.body.set("at", String(Math.max(-1, ...numbers) + 1));
  ctx.request.body.set("taken", rows.map((row) => row.dataset.name).join(","));
});

document.addEventListener("htmx:after:swap", (event) => {
  if (!event.detail.ctx?.sourceElement?.matches("[data-add-custom]")) return;
  event.detail.ctx.sourceElement.remove();
  document.getElementById("mapping").dispatchEvent(new Event("input", { bubbles: true }));
  document.querySelector("#custom-fields .map-row:last-of-type summary")?.focus();
});
