"use strict";
// What the page offers beyond reading: the theme, and the charts to look into. Texts from images only ever become text.
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

  // As units.format_bytes does it.
  function bytes(count) {
    let value = count;
    for (const [unit, decimals] of [["B", 0], ["kB", 0], ["MB", 1], ["GB", 2]]) {
      if (Number(value.toFixed(decimals)) < 1000) return `${value.toFixed(decimals)} ${unit}`;
      value /= 1000;
    }
    return `${value.toFixed(2)} TB`;
  }

  function share(part, whole) {
    const percent = whole ? (100 * part) / whole : 0;
    return percent && percent < 0.1 ? "< 0.1 %" : `${percent.toFixed(percent < 9.95 ? 1 : 0)} %`;
  }

  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    const { className, dataset, ...rest } = properties;
    if (className) element.className = className;
    Object.assign(element.dataset, dataset);
    for (const [name, value] of Object.entries(rest)) {
      if (name in element) element[name] = value; else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  const KINDS = ["layer", "category", "package", "folder", "file", "rest", "end"];

  class Part {
    constructor(data, above, color) {
      [this.name, , this.bytes, this.entries] = data;
      this.kind = KINDS[data[1]];
      this.above = above;
      this.color = data[5] || color;
      this.parts = data[4].map((part) => new Part(part, this, this.color));
    }

    get label() {
      if (this.kind === "layer") return `layer ${this.name}`;
      if (this.kind === "rest") return `${this.entries.toLocaleString("en")} more`;
      if (this.kind === "end") return "end of the tar";
      return this.kind === "file" || this.kind === "folder" ? this.path : this.name;
    }

    // Of a file or folder the name below the folder that is drawn above it, else from the root.
    get path() {
      const within = this.above && this.above.kind === "folder";
      return `${within ? "" : "/"}${this.name}${this.kind === "folder" ? "/" : ""}`;
    }

    get trail() {
      const trail = [];
      for (let part = this; part; part = part.above) trail.unshift(part);
      return trail;
    }

    get told() {
      const where = this.trail.filter((part) => part.kind === "folder" || part === this).map((part) => part.label).join("");
      const what = this.kind === "file" || this.kind === "folder" ? where : this.label;
      const entries = this.entries === 1 ? "" : `, ${this.entries.toLocaleString("en")} files and folders`;
      return [what, `${bytes(this.bytes)}, ${share(this.bytes, this.trail[0].bytes)} of the image${entries}`];
    }
  }

  function image(tree) {
    const whole = new Part([tree.name, 0, tree.bytes, 0, tree.parts], null, "");
    whole.kind = "image";
    whole.entries = whole.parts.reduce((sum, part) => sum + part.entries, 0);
    whole.parts.forEach((part, index) => { part.instruction = tree.layers[index] || ""; });
    return whole;
  }

  class Panel {
    constructor(images, chosen, id) {
      this.images = images;
      this.select = make("select", { id: `${id}-variant` });
      images.forEach((one, index) => this.select.append(make("option", { value: String(index), textContent: one.name })));
      this.crumbs = make("nav", { className: "crumbs", "aria-label": "Where you are" });
      this.cells = make("div", { className: "cells", role: "group" });
      this.told = make("div", { className: "told" });
      this.element = make("div", { className: "panel" },
        make("div", { className: "bar-line" },
          make("label", { htmlFor: this.select.id, className: "dim", textContent: "Variant" }), this.select),
        this.crumbs, this.cells, this.told);
      this.select.addEventListener("change", () => this.show(this.images[Number(this.select.value)]));
      this.cells.addEventListener("keydown", (event) => this.key(event));
      this.choose(chosen);
    }

    choose(index, trail = []) {
      this.select.value = String(index);
      let part = this.images[index];
      for (const step of trail) part = part.parts[step] || part;
      this.focus = part;
    }

    get trail() {
      return this.focus.trail.slice(1).map((part) => part.above.parts.indexOf(part));
    }

    show(part, focused) {
      if (!part.parts.length && part.above) part = part.above;
      const held = this.cells.contains(document.activeElement);
      this.focus = part;
      this.draw();
      this.moved();
      if (held) this.button(focused && this.buttons.has(focused) ? focused : part).focus();
    }

    button(part) {
      return this.buttons.get(part);
    }

    draw() {
      const width = this.cells.clientWidth;
      const columns = width < 380 ? 3 : 4;
      this.buttons = new Map();
      const made = document.createDocumentFragment();
      this.place(made, this.focus, 0, 0, this.cells.clientHeight, width / columns, columns);
      this.cells.replaceChildren(made);
      this.cells.setAttribute("aria-label", `${this.focus.label}: ${bytes(this.focus.bytes)}`);
      this.button(this.focus).tabIndex = 0;
      this.crumbs.replaceChildren(...this.focus.trail.flatMap((part, index) => this.crumb(part, index)));
      this.tell(this.focus);
    }

    crumb(part, index) {
      const before = index ? [" › "] : [];
      if (part === this.focus) return [...before, part.label];
      const button = make("button", { type: "button", textContent: part.label });
      button.addEventListener("click", () => this.show(part));
      return [...before, button];
    }

    place(made, part, depth, top, height, width, columns) {
      if (height < 1.5) return;
      made.append(this.cell(part, depth, top, height, width));
      if (depth + 1 >= columns) return;
      let at = top;
      for (const child of part.parts) {
        const room = part.bytes ? (height * child.bytes) / part.bytes : 0;
        this.place(made, child, depth + 1, at, room, width, columns);
        at += room;
      }
    }

    cell(part, depth, top, height, width) {
      const [what, much] = part.told;
      const own = ["layer", "image", "category"].includes(part.kind) ? "" : " faint";
      const button = make("button", {
        type: "button", tabIndex: -1, className: `${part.color || part.kind}${own}${part.parts.length ? "" : " leaf"}`,
        "aria-label": `${part.kind} ${what}, ${much}`, dataset: { bytes: part.bytes },
      });
      button.style.left = `${depth * width}px`;
      button.style.top = `${top}px`;
      button.style.width = `${width - 1}px`;
      button.style.height = `${Math.max(height - 1, 1)}px`;
      if (height >= 17) button.append(make("span", { textContent: part.label }));
      if (height >= 34) button.append(make("span", { textContent: bytes(part.bytes) }));
      button.addEventListener("click", () => this.show(part === this.focus ? part.above || part : part, part));
      button.addEventListener("focus", () => this.tell(part));
      button.addEventListener("pointerenter", () => this.tell(part));
      this.buttons.set(part, button);
      return button;
    }

    tell(part) {
      const [what, much] = part.told;
      const instruction = part.trail.find((one) => one.instruction);
      this.told.replaceChildren(make("strong", { textContent: what }), make("br"), much);
      if (instruction && instruction === part) this.told.append(make("br"), make("code", { textContent: instruction.instruction }));
    }

    key(event) {
      const part = [...this.buttons.keys()].find((one) => this.button(one) === event.target);
      if (!part) return;
      const beside = part.above && part !== this.focus ? part.above.parts.filter((one) => this.buttons.has(one)) : [part];
      const index = beside.indexOf(part);
      const to = {
        ArrowDown: beside[index + 1], ArrowUp: beside[index - 1], Home: beside[0], End: beside.at(-1),
        ArrowRight: part.parts.find((one) => this.buttons.has(one)),
        ArrowLeft: part === this.focus ? undefined : part.above,
      }[event.key];
      if (event.key === "Escape" || event.key === "Backspace") {
        if (this.focus.above) this.show(this.focus.above, this.focus);
      } else if (to) {
        this.buttons.forEach((button) => { button.tabIndex = -1; });
        this.button(to).tabIndex = 0;
        this.button(to).focus();
      } else if (!event.key.startsWith("Arrow")) {
        return;
      }
      event.preventDefault();
    }

    moved() {}
  }

  // #c1-bytes=0.2.1/1 : the first panel shows variant 0's part 2, and of that part 1; the second variant 1.
  function charts(holder) {
    const id = holder.id.replace("-icicles", "");
    const images = JSON.parse(document.getElementById(`${id}-trees`).textContent).map(image);
    if (!images.length) return;
    holder.hidden = false;
    const panels = images.slice(0, 2).map((_, index) => new Panel(images, index, `${id}-${index}`));
    holder.querySelector(".panels").append(...panels.map((panel) => panel.element));
    const start = `#${id}-bytes=`;
    const read = () => {
      if (!location.hash.startsWith(start)) return;
      location.hash.slice(start.length).split("/").slice(0, panels.length).forEach((text, index) => {
        const [chosen, ...trail] = text.split(".").map(Number);
        if (images[chosen]) panels[index].choose(chosen, trail);
      });
    };
    const moved = () => history.replaceState(null, "", start + panels.map((p) => [p.select.value, ...p.trail].join(".")).join("/"));
    const draw = () => panels.forEach((panel) => panel.draw());
    read();
    draw();
    panels.forEach((panel) => { panel.moved = moved; });
    addEventListener("hashchange", () => { read(); draw(); });
    let width = holder.clientWidth;
    new ResizeObserver(() => { if (holder.clientWidth !== width) { width = holder.clientWidth; draw(); } }).observe(holder);
  }

  theme();
  document.querySelectorAll(".icicles").forEach(charts);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
  root.dataset.drawn = performance.now().toFixed(0);
})();
