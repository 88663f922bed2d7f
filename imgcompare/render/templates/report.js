"use strict";
// What the page offers beyond reading: the theme, sorted tables, and links that unfold what they lead to.
(() => {
  const root = document.documentElement;

  function theme() {
    const button = document.getElementById("theme");
    const system = matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
    const label = () => { button.textContent = isDark() ? "Light" : "Dark"; };
    button.hidden = false;
    button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; label(); });
    system.addEventListener("change", label);
    label();
  }

  // "1.5 MB" by its bytes, "0.3 s" by its seconds, a text by itself; what is not there comes last.
  function value(cell) {
    const [, sign, number, unit] = /^[≈+]?\s*([−-]?)\s*([\d,.]+)\s*([a-zA-Z]*)/.exec(cell.innerText) || [];
    if (number === undefined) return cell.innerText;
    const scale = { kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, ms: 1e-3 }[unit] || 1;
    return (sign ? -1 : 1) * Number(number.replaceAll(",", "")) * scale;
  }

  function compare(a, b) {
    return typeof a === "number" && typeof b === "number" ? b - a : String(a).localeCompare(String(b), "en");
  }

  function sortable(table) {
    const body = table.tBodies[0];
    for (const head of table.tHead.rows[0].cells) {
      if (!head.textContent) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const numbers = head.classList.contains("right");
        const first = numbers ? "descending" : "ascending";
        const to = head.ariaSort !== first ? first : numbers ? "ascending" : "descending";
        for (const other of table.tHead.rows[0].cells) other.ariaSort = null;
        head.ariaSort = to;
        const turn = to === first ? 1 : -1;
        const rows = [...body.rows].map((row) => [numbers ? value(row.cells[head.cellIndex]) : row.cells[head.cellIndex].innerText, row]);
        body.append(...rows.sort(([a], [b]) => (a === "–") - (b === "–") || turn * compare(a, b)).map(([, row]) => row));
      });
    }
  }

  // A link into what is folded away unfolds it.
  function unfold() {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1).split("=")[0]);
    if (!target) return;
    for (let one = target.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
    for (const one of target.querySelectorAll(":scope > details")) one.open = true;
    target.scrollIntoView();
  }

  // For a room: one section a screen, the next and the one before by key; Escape shows them all.
  function projector() {
    const wholes = [...document.querySelectorAll("details.whole")];
    for (const one of wholes) one.open = true;
    const found = [...document.querySelectorAll("main section")].filter((one) => !one.querySelector("section"));
    const slides = [document.querySelector("header.page"), ...found];
    const place = document.body.appendChild(document.createElement("p"));
    place.className = "place";
    let at = 0;
    let all = false;
    function show(number) {
      at = Math.min(Math.max(number, 0), slides.length - 1);
      slides.forEach((one, count) => { one.classList.add("slide"); one.hidden = !all && count !== at; });
      for (const one of document.querySelectorAll("section.comparison")) one.hidden = !all && !one.contains(slides[at]);
      place.textContent = all ? "" : `${at + 1} / ${slides.length}`;
      if (all) slides[at].scrollIntoView(); else scrollTo(0, 0);
    }
    const keys = {
      ArrowRight: () => show(at + 1), PageDown: () => show(at + 1), " ": () => show(at + 1),
      ArrowLeft: () => show(at - 1), PageUp: () => show(at - 1),
      Home: () => show(0), End: () => show(slides.length - 1),
      Escape: () => { all = !all; show(at); },
    };
    addEventListener("keydown", (event) => {
      if (event.target.closest("button, select, summary, a, [contenteditable]") && event.key === " ") return;
      if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
      if (event.target.closest(".cells, select") || (all && event.key !== "Escape")) return;
      event.preventDefault();
      keys[event.key]();
    });
    const leads = (one) => location.hash.length > 1 && one.contains(document.getElementById(location.hash.slice(1).split("=")[0]));
    addEventListener("hashchange", () => { const to = slides.findIndex(leads); if (to >= 0) show(to); });
    show(Math.max(slides.findIndex(leads), 0));
  }

  theme();
  if (document.body.classList.contains("projector")) projector();
  document.querySelectorAll("table.sortable").forEach(sortable);
  addEventListener("hashchange", unfold);
  unfold();
  // Of several comparisons those are printed whole that are unfolded: the ones that failed, or what a reader wants.
  addEventListener("beforeprint", () => document.querySelectorAll("details:not(.whole)").forEach((one) => { one.open = true; }));
})();
