"use strict";

/** A new element with a text and attributes. */
function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Tables: sorted by a click on a head, filtered by text and by choice, copied as CSV.

const exact = (cell) => cell.dataset.value ?? cell.textContent;

function compare(one, other, column) {
  const [a, b] = [one.cells[column], other.cells[column]];
  // Rows without a number stand after those with one.
  if ((a.dataset.value === undefined) !== (b.dataset.value === undefined)) return a.dataset.value === undefined ? 1 : -1;
  return a.dataset.value === undefined ? a.textContent.localeCompare(b.textContent) : a.dataset.value - b.dataset.value;
}

function csv(table) {
  const quoted = (text) => /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
  const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => [...row.cells].map(exact));
  return [heads, ...rows].map((row) => row.map(quoted).join(",") + "\n").join("");
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page from a file may not use the clipboard; the selection may.
    const area = element("textarea", text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

function makeTable(details) {
  const table = details.querySelector("table");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const name = details.querySelector("summary").textContent;
  const tools = element("div", "", { class: "tools" });
  const field = element("input", "", { type: "search", placeholder: "filter", "aria-label": `Filter: ${name}` });
  const choices = heads.filter((head) => "choice" in head.dataset).map((head) => {
    const column = head.cellIndex;
    const select = element("select", "", { "aria-label": `Choose: ${head.textContent}` });
    const values = [...new Set([...body.rows].map((row) => row.cells[column].textContent))];
    select.append(element("option", `every ${head.textContent}`, { value: "" }), ...values.map((value) => element("option", value, { value })));
    return { column, select };
  });
  const count = element("span", "", { role: "status" });
  const button = element("button", "Copy as CSV", { type: "button" });
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const row of body.rows) {
      const text = [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase();
      const chosen = choices.every(({ column, select }) => !select.value || row.cells[column].textContent === select.value);
      row.hidden = !chosen || !words.every((word) => text.includes(word));
    }
    count.textContent = `${[...body.rows].filter((row) => !row.hidden).length} of ${body.rows.length} rows`;
  };
  field.addEventListener("input", show);
  for (const { select } of choices) select.addEventListener("change", show);
  button.addEventListener("click", async () => {
    await copy(csv(table));
    count.textContent = "copied";
  });
  for (const head of heads) {
    const sort = element("button", head.textContent, { type: "button" });
    head.replaceChildren(sort);
    sort.addEventListener("click", () => {
      const down = head.ariaSort === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].sort((one, other) => compare(one, other, head.cellIndex) * (down ? -1 : 1));
      body.append(...rows);
    });
  }
  tools.append(field, ...choices.map(({ select }) => select), button, count);
  details.querySelector(".scroll").before(tools);
  show();
}

// Timelines: a bar tells what it is, and the axis of time can be zoomed and moved.

const tip = element("div", "", { id: "tip", role: "tooltip", hidden: "" });

function tell(bar, x, y) {
  tip.textContent = bar.dataset.tip;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 12, innerWidth - box.width - 4))}px`;
  tip.style.top = `${y + 16 + box.height > innerHeight ? Math.max(4, y - box.height - 12) : y + 16}px`;
}

function tellAtItsPlace(bar) {
  const box = bar.getBoundingClientRect();
  const frame = bar.closest(".window").getBoundingClientRect();
  tell(bar, Math.max(box.left, frame.left), box.bottom - 8);
}

const SECONDS = { s: 1, ms: 1e-3, "µs": 1e-6, ns: 1e-9 };

function secondsOf(words) {
  const [number, unit] = words.split(" ");
  return unit ? number * SECONDS[unit] : 0;
}

function words(seconds, step) {
  const unit = seconds >= 0.9995 ? "s" : seconds >= 0.9995e-3 ? "ms" : "µs";
  const decimals = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step / SECONDS[unit]) - 1e-9)));
  return seconds > 0 ? `${(seconds / SECONDS[unit]).toFixed(decimals)} ${unit}` : "0";
}

class Timeline {
  constructor(figure) {
    this.svg = figure.querySelector("svg");
    this.window = element("div", "", { class: "window" });
    this.svg.replaceWith(this.window);
    this.window.append(this.svg);
    this.grid = [...this.svg.querySelectorAll("line.grid")];
    this.scale = 1;
    this.from = 0;
    this.bars = [...this.svg.querySelectorAll("rect, path, text")].filter((it) => it.querySelector(":scope > title"));
    for (const bar of this.bars) {
      bar.dataset.tip = bar.querySelector("title").textContent;
      bar.setAttribute("aria-label", bar.dataset.tip);
      bar.querySelector("title").remove();
      if (bar.localName === "rect") bar.setAttribute("tabindex", -1);
    }
    this.bars.find((bar) => bar.localName === "rect")?.setAttribute("tabindex", 0);
    this.listenToBars();
    if (this.grid.length > 0) this.makeZoom(figure);
  }

  listenToBars() {
    const barOf = (event) => event.target.closest?.("[data-tip]");
    this.svg.addEventListener("pointermove", (event) => {
      const bar = barOf(event);
      if (bar) tell(bar, event.clientX, event.clientY);
      else tip.hidden = true;
    });
    this.svg.addEventListener("pointerleave", (event) => { tip.hidden = event.pointerType === "mouse" || tip.hidden; });
    this.svg.addEventListener("click", (event) => {
      const bar = barOf(event);
      if (bar) tell(bar, event.clientX, event.clientY);
    });
    this.svg.addEventListener("focusin", (event) => { if (barOf(event)) tellAtItsPlace(barOf(event)); });
    this.svg.addEventListener("focusout", () => { tip.hidden = true; });
    this.svg.addEventListener("keydown", (event) => {
      const bars = this.bars.filter((bar) => bar.localName === "rect");
      const at = bars.indexOf(document.activeElement);
      const y = (bar) => Math.floor((bar.y.baseVal.value - 56) / 26);
      const row = (step) => bars.findIndex((bar) => y(bar) === y(bars[at]) + step);
      const next = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at < 0 ? 0 : row(1), ArrowUp: at < 0 ? 0 : row(-1) }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      if (!bars[next]) return;
      for (const bar of bars) bar.setAttribute("tabindex", -1);
      bars[next].setAttribute("tabindex", 0);
      bars[next].focus();
    });
  }

  makeZoom(figure) {
    const x = (line) => line.x1.baseVal.value;
    const marks = [...this.svg.querySelectorAll("text[text-anchor=middle]")];
    const last = this.grid.length - 1;
    this.left = x(this.grid[0]);
    this.right = this.svg.viewBox.baseVal.width - 24;
    this.second = last > 0 ? (x(this.grid[last]) - this.left) / secondsOf(marks[last].textContent) : 0;
    this.bottom = this.grid[0].y2.baseVal.value;
    // What moves stands in a group that is cut off at the names of the lanes.
    const id = `cut-${Timeline.count = (Timeline.count ?? 0) + 1}`;
    const make = (name, attributes) => {
      const made = document.createElementNS(this.svg.namespaceURI, name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      return made;
    };
    const height = this.svg.viewBox.baseVal.height;
    const cut = make("clipPath", { id });
    cut.append(make("rect", { x: this.left - 1, y: 0, width: this.right - this.left + 13, height }));
    const group = make("g", { "clip-path": `url(#${id})` });
    const starts = (it) => Number(it.getAttribute("x") ?? it.getAttribute("x1") ?? it.getAttribute("d")?.match(/[\d.]+/)?.[0]);
    const isLow = (it) => Number(it.getAttribute("y") ?? it.getAttribute("y1") ?? it.getAttribute("d")?.match(/M[\d.]+ ([\d.]+)/)?.[1]) >= 40;
    this.parts = [...this.svg.children].filter((it) => ["rect", "path", "text", "line"].includes(it.localName) && isLow(it) && starts(it) >= this.left - 0.5);
    this.parts.forEach((it) => {
      it.original = { x: Number(it.getAttribute("x")), width: Number(it.getAttribute("width")), d: it.getAttribute("d") };
    });
    this.marks = marks;
    this.ticks = make("g", {});
    // Below the bars; the words at the first and the last tick reach over the ends.
    this.svg.append(cut, this.ticks, group);
    group.append(...this.parts.filter((it) => it.localName !== "line" && !marks.includes(it)));
    for (const it of [...this.grid, ...marks]) this.ticks.append(it);
    this.make = make;

    const buttons = element("div", "", { class: "buttons" });
    const name = this.svg.getAttribute("aria-label");
    for (const [text, label, act] of [["+", "Zoom in", () => this.zoom(2)], ["−", "Zoom out", () => this.zoom(0.5)], ["◀", "Earlier", () => this.move(-0.3)], ["▶", "Later", () => this.move(0.3)], ["all", "Show all", () => this.zoom(0)]]) {
      const button = element("button", text, { type: "button", "aria-label": `${label}: ${name}`, title: label });
      button.addEventListener("click", act);
      buttons.append(button);
    }
    figure.append(buttons);
    this.listenToZoom();
  }

  /** The place of an event on the axis of time: 0 is the left end of the window, 1 the right end. */
  part(event) {
    const box = this.svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * this.svg.viewBox.baseVal.width;
    return Math.max(0, Math.min(1, (at - this.left) / (this.right - this.left)));
  }

  listenToZoom() {
    let isActive = false;
    const fingers = new Map();
    document.addEventListener("pointerdown", (event) => { isActive = this.window.contains(event.target); });
    this.svg.addEventListener("focusin", () => { isActive = true; });
    this.svg.addEventListener("focusout", () => { isActive = false; });
    // A wheel over a timeline that was not clicked scrolls the page. A pinch on a touchpad comes as a wheel with Ctrl.
    this.svg.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !isActive) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), this.part(event));
    }, { passive: false });
    this.svg.addEventListener("pointerdown", (event) => fingers.set(event.pointerId, this.part(event)));
    this.svg.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (before === undefined) return;
      const now = this.part(event);
      const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, part]) => part);
      fingers.set(event.pointerId, now);
      if (other === undefined) this.move(before - now);
      else if (Math.abs(now - other) > 0.01) this.zoom(Math.max(0.5, Math.min(2, Math.abs(now - other) / Math.max(0.01, Math.abs(before - other)))), (now + other) / 2);
    });
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, (event) => fingers.delete(event.pointerId));
    // Two fingers zoom; one scrolls the page unless the timeline is zoomed.
    this.svg.addEventListener("touchmove", (event) => { if (event.touches.length > 1 || this.scale > 1) event.preventDefault(); }, { passive: false });
    this.svg.addEventListener("keydown", (event) => {
      const factor = { "+": 2, "=": 2, "-": 0.5, 0: 0 }[event.key];
      if (factor === undefined) return;
      event.preventDefault();
      const bar = document.activeElement;
      const middle = bar.x ? (bar.x.baseVal.value + bar.width.baseVal.value / 2 - this.left) / (this.right - this.left) : 0.5;
      this.zoom(factor, middle >= 0 && middle <= 1 ? middle : 0.5);
    });
  }

  /** Zooms by a factor, around a part of the window; 0 shows all. */
  zoom(factor, around = 0.5) {
    const at = this.from + around / this.scale;
    this.scale = factor === 0 ? 1 : Math.max(1, Math.min(10000, this.scale * factor));
    this.from = at - around / this.scale;
    this.draw();
  }

  /** Moves the window by a part of its width. */
  move(part) {
    this.from += part / this.scale;
    this.draw();
  }

  draw() {
    this.from = Math.max(0, Math.min(1 - 1 / this.scale, this.from));
    this.window.classList.toggle("zoomed", this.scale > 1);
    const width = this.right - this.left;
    const place = (x) => this.left + (x - this.left - this.from * width) * this.scale;
    for (const it of this.parts) {
      const { x, width, d } = it.original;
      if (it.localName === "rect") {
        it.setAttribute("x", place(x));
        it.setAttribute("width", width * this.scale);
      } else if (it.localName === "path") {
        it.setAttribute("d", d.replace(/([ML])([\d.]+)/g, (_, command, number) => command + place(Number(number))));
      } else if (it.localName === "text" && !this.marks.includes(it)) {
        it.setAttribute("x", place(x));
      }
    }
    this.drawAxis(width);
  }

  drawAxis(width) {
    if (this.second === 0) return;
    const [begin, seconds] = [this.from * width / this.second, width / this.scale / this.second];
    const power = 10 ** Math.floor(Math.log10(seconds / 8));
    const step = [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= seconds / 8);
    const ticks = [];
    for (let tick = Math.ceil(begin / step); tick * step <= begin + seconds; tick += 1) {
      const x = this.left + (tick * step - begin) * this.second * this.scale;
      const text = this.make("text", { class: "small", x, y: this.bottom + 14, "text-anchor": "middle" });
      text.textContent = words(tick * step, step);
      ticks.push(this.make("line", { class: "grid", x1: x, x2: x, y1: 48, y2: this.bottom }), text);
    }
    this.ticks.replaceChildren(...ticks);
  }
}

document.querySelectorAll("details.numbers").forEach(makeTable);
document.body.append(tip);
for (const figure of document.querySelectorAll("figure.timeline")) figure.timeline = new Timeline(figure);
addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
