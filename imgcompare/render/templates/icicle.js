"use strict";
// Where the bytes went, to look into. Texts from images only ever become text.
(() => {
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

  const LEAST_HEIGHT = 2;
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
      if (this.kind === "layer") return this.instruction ? `${this.name}: ${this.instruction}` : `layer ${this.name}`;
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
      return [what, `${bytes(this.bytes)}, ${this.much}`];
    }

    get much() {
      const entries = this.entries === 1 ? "" : `, ${this.entries.toLocaleString("en")} files and folders`;
      return `${share(this.bytes, this.trail[0].bytes)} of the image${entries}`;
    }

    // What is read aloud begins with what is seen.
    get spoken() {
      return `${this.label} ${bytes(this.bytes)}: ${this.kind}, ${this.much}`;
    }
  }

  function image(tree, arranged) {
    const whole = new Part([tree.name, 0, tree.bytes, 0, arranged === "content" ? byContent(tree.parts) : tree.parts], null, "");
    whole.kind = "image";
    whole.entries = whole.parts.reduce((sum, part) => sum + part.entries, 0);
    whole.parts.forEach((part, index) => { part.instruction = part.kind === "layer" && tree.layers[index]; });
    return whole;
  }

  // The same bytes without the layers: what is of one kind and name becomes one part.
  function byContent(layers) {
    return joined(layers.flatMap((layer) => layer[4]));
  }

  function joined(parts) {
    const groups = new Map();
    for (const part of parts) {
      const key = `${part[1]} ${part[0]}`;
      groups.set(key, [...(groups.get(key) || []), part]);
    }
    return [...groups.values()].map(join).sort((a, b) => rank(a) - rank(b) || b[2] - a[2]);
  }

  function join(parts) {
    const [first] = parts;
    const total = (index, of = parts) => of.reduce((sum, part) => sum + part[index], 0);
    const closed = parts.filter((part) => !part[4].length);
    let inside = parts.flatMap((part) => part[4]);
    // Beside parts whose content is told, those where it is not are the rest.
    if (inside.length && closed.length) inside = [...inside, ["", KINDS.indexOf("rest"), total(2, closed), total(3, closed), []]];
    return [first[0], first[1], total(2), total(3), joined(inside), first[5]];
  }

  const rank = (part) => Number(["rest", "end"].includes(KINDS[part[1]]));

  class Panel {
    constructor(images, chosen, id) {
      this.images = images;
      this.select = make("select", { id: `${id}-variant` });
      images.forEach((one, index) => this.select.append(make("option", { value: String(index), textContent: one.name })));
      this.crumbs = make("div", { className: "crumbs", role: "group", "aria-label": "Where you are" });
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
      // Where the columns begin and the last one ends, in per cent.
      this.columns = [0, ...Array.from({ length: columns }, (_, depth) => 16 + (84 * depth) / (columns - 1))];
      this.buttons = new Map();
      const made = document.createDocumentFragment();
      this.place(made, this.focus, 0, 0, this.cells.clientHeight);
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

    place(made, part, depth, top, height) {
      made.append(this.cell(part, depth, top, height));
      if (depth + 2 >= this.columns.length) return;
      let at = top;
      let small = 0;
      for (const child of part.parts) {
        const room = part.bytes ? (height * child.bytes) / part.bytes : 0;
        if (room < LEAST_HEIGHT) {
          small += child.bytes;
        } else {
          this.place(made, child, depth + 1, at, room);
          at += room;
        }
      }
      if (!small) return;
      // What is too small to be drawn shows as one how much it is together.
      const cell = make("div", { className: `${part.color || part.kind} faint`, dataset: { bytes: small } });
      this.lay(cell, depth + 1, at, top + height - at);
      made.append(cell);
    }

    lay(cell, depth, top, height) {
      const whole = this.cells.clientHeight / 100;
      cell.style.left = `${this.columns[depth]}%`;
      cell.style.top = `${top / whole}%`;
      cell.style.width = `calc(${this.columns[depth + 1] - this.columns[depth]}% - 1px)`;
      cell.style.height = `calc(${height / whole}% - 1px)`;
    }

    cell(part, depth, top, height) {
      const own = ["layer", "image", "category"].includes(part.kind) ? "" : " faint";
      const button = make("button", {
        type: "button", tabIndex: -1, className: `${part.color || part.kind}${own}${part.parts.length ? "" : " leaf"}`,
        "aria-label": part.spoken, dataset: { bytes: part.bytes },
      });
      this.lay(button, depth, top, height);
      const line = 1.07 * parseFloat(getComputedStyle(document.documentElement).fontSize); // as the style has it
      if (height >= 5 * line) button.classList.add("tall"); // room for a name of several lines
      if (height >= line) button.append(make("span", { textContent: part.label }));
      if (height >= 2 * line) button.append(" ", make("span", { textContent: bytes(part.bytes) }));
      button.addEventListener("click", () => this.show(part === this.focus ? part.above || part : part, part));
      button.addEventListener("focus", () => this.tell(part));
      button.addEventListener("pointerenter", () => this.tell(part));
      this.buttons.set(part, button);
      return button;
    }

    tell(part) {
      const [what, much] = part.told;
      this.told.replaceChildren(make("strong", { textContent: what }), make("br"), much);
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
  // #c1-bytes=content:0/1 : the same, arranged by content.
  function charts(holder) {
    const id = holder.id.replace("-icicles", "");
    const trees = JSON.parse(document.getElementById(`${id}-trees`).textContent);
    const arrange = holder.querySelector(".arrange");
    const start = `#${id}-bytes=`;
    const images = () => trees.map((tree) => image(tree, arrange.value));
    const panels = trees.slice(0, 2).map((_, index) => new Panel(images(), index, `${id}-${index}`));
    holder.querySelector(".panels").append(...panels.map((panel) => panel.element));
    const draw = () => panels.forEach((panel) => panel.draw());
    const arranged = () => panels.forEach((panel) => { panel.images = images(); panel.choose(Number(panel.select.value)); });
    const read = () => {
      if (!location.hash.startsWith(start)) return;
      const [, content, places] = /^(content:)?(.*)$/.exec(location.hash.slice(start.length));
      arrange.value = content ? "content" : "layer";
      arranged();
      places.split("/").slice(0, panels.length).forEach((text, index) => {
        const [chosen, ...trail] = text.split(".").map(Number);
        if (trees[chosen]) panels[index].choose(chosen, trail);
      });
    };
    const moved = () => {
      const places = panels.map((panel) => [panel.select.value, ...panel.trail].join(".")).join("/");
      history.replaceState(null, "", `${start}${arrange.value === "content" ? "content:" : ""}${places}`);
    };
    panels.forEach((panel) => { panel.moved = moved; });
    arrange.addEventListener("change", () => { arranged(); draw(); moved(); });
    addEventListener("hashchange", () => { read(); draw(); });
    read();
    return draw;
  }

  // Made when there is first room for them: in what is folded away they cost nothing.
  function whenSeen(holder) {
    let draw = null;
    let width = 0;
    holder.hidden = false;
    const seen = () => {
      if (!holder.checkVisibility() || holder.clientWidth === width) return;
      width = holder.clientWidth;
      draw ||= charts(holder);
      draw();
    };
    seen();
    new ResizeObserver(seen).observe(holder);
    document.addEventListener("toggle", seen, true);
  }

  document.querySelectorAll(".icicles").forEach(whenSeen);
})();
