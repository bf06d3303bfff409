"use strict";

// The steps as they are now; on to whatever follows them. Without scripts the page loads itself again.
const EVERY_MS = 1000;

async function look() {
  let answer;
  try {
    answer = await fetch(location.href, { redirect: "manual" });
  } catch {
    setTimeout(look, EVERY_MS);
    return;
  }
  const text = answer.ok ? await answer.text() : "";
  const steps = new DOMParser().parseFromString(text, "text/html").querySelector("#steps");
  if (!steps) {
    location.reload();
    return;
  }
  const shown = document.querySelector("#steps");
  if (shown.innerHTML !== steps.innerHTML) shown.replaceChildren(...steps.childNodes);
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
