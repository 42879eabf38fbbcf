// What a page does beyond being read: follow Airflow's theme, copy its address, lead out of Airflow's frame, tick all.
"use strict";

const frame = window.parent === window ? null : window.parent;

function airflow() {
  try {
    return frame && frame.document;
  } catch {
    return null; // framed by somebody else: the policy forbids it anyway
  }
}

function theme() {
  const outer = airflow();
  const chosen = outer ? outer.documentElement.className : window.localStorage.getItem("theme") || "";
  const known = /\b(dark|light)\b/.exec(chosen);
  if (known) document.documentElement.dataset.theme = known[1];
}

theme();
if (airflow()) new MutationObserver(theme).observe(airflow().documentElement, { attributes: true, attributeFilter: ["class"] });
document.documentElement.classList.toggle("framed", Boolean(frame));

// On a phone the tabs are wider than the window: the one that is open is brought into it.
document.addEventListener("DOMContentLoaded", () => {
  for (const tab of document.querySelectorAll("nav [aria-current]")) {
    const bar = tab.closest("nav");
    bar.scrollLeft = tab.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2;
  }
});

// On a phone each row of a table is a card, whose cells say what they are (style.css).
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("table:not(.facts, .sides)")) {
    const heads = [...table.querySelectorAll("thead tr:last-child th")].map((head) => head.textContent.replace(/[▲▼]/g, "").trim());
    for (const cell of table.querySelectorAll("tbody > tr > *, tfoot > tr > *")) {
      if (cell.colSpan === 1) cell.dataset.label ??= heads[cell.cellIndex];
    }
    table.classList.add("stacked");
  }
});

async function copy(button) {
  const field = document.getElementById("address");
  try {
    await navigator.clipboard.writeText(location.href);
  } catch {
    // without https there is no clipboard: the address is shown and marked, to be copied by hand
    field.hidden = false;
    field.value = location.href;
    field.select();
    if (!document.execCommand("copy")) return;
  }
  button.textContent = "Copied";
}

// Airflow's frame may neither open windows nor show other systems: the link is opened by the page around it.
function leave(event, link) {
  const outer = airflow();
  if (!outer) return;
  event.preventDefault();
  const own = outer.createElement("a");
  own.href = link.href;
  own.target = "_blank";
  own.rel = "noopener";
  own.click();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("#copy");
  const link = event.target.closest("a[target=_blank]");
  if (button) copy(button);
  if (link) leave(event, link);
});

document.addEventListener("change", (event) => {
  if (event.target.id !== "all") return;
  for (const box of document.querySelectorAll("input[name=change]")) box.checked = event.target.checked;
});

// A form that filters omits empty fields, so that a copied address has only the filters that are set.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "get") return;
  for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
});
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[method=get] [disabled]")) field.disabled = false;
});
