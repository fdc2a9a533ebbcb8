// Where images are shown: one large beside its frame, or a grid.

class Stage {
  constructor(images, { pick, view }) {
    this.images = images;
    this.pick = pick; // called with the index of a cell and the mouse event
    this.view = view; // settings: size, parts, bright, and zoom, x, y of the large image
    this.node = make("div", "stage");
    this.cells = [];
    this.turn = 0;
    this.large = null;
    this.node.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.node.addEventListener("pointerdown", (event) => this.drag(event));
  }

  // Show cards; resolves when the first image is on the screen, or its reason in its place.
  async show(cards, { grid }) {
    const turn = ++this.turn;
    const kind = grid ? "small" : "crop";
    const both = !grid && cards.length === 1 && cards[0].frame && this.view.parts !== "crop";
    const alone = both && this.view.parts === "frame";
    const ready = cards.map((card) => this.image(kind, card));
    const frame = both ? this.frame(cards[0]) : null;
    const first = alone ? await frame : await ready[0];
    if (turn !== this.turn) return false; // meanwhile others were asked for
    this.cells = cards.map((card, i) => this.cell(card, i, grid));
    this.large = null;
    if (grid) {
      const columns = this.columns(cards.length);
      this.node.className = "stage grid";
      this.node.style.setProperty("--columns", columns);
    } else {
      this.node.className = both && !alone ? "stage both" : "stage one";
      this.large = this.cells[0];
    }
    this.node.replaceChildren(...(alone ? [] : this.cells));
    if (alone) {
      const cell = make("div", "frame");
      cell.append(first);
      this.large = cell;
      this.node.append(cell);
    } else if (both) {
      const cell = make("div", "frame");
      this.node.append(cell);
      frame.then((node) => turn === this.turn && cell.append(node));
    }
    ready.forEach((promise, i) => promise.then((node) => this.cells[i].prepend(node)));
    this.light();
    return true;
  }

  // As many columns as make square cells largest.
  columns(count) {
    const { width, height } = this.node.getBoundingClientRect();
    const side = (columns) => Math.min(width / columns, height / Math.ceil(count / columns));
    const all = Array.from({ length: count }, (_, i) => i + 1);
    return all.reduce((best, columns) => (side(columns) > side(best) ? columns : best), 1);
  }

  async image(kind, card) {
    try {
      const image = (await this.images.get(kind, card.n)).cloneNode();
      image.alt = card.name;
      await image.decode();
      return image;
    } catch (error) {
      return make("div", "broken", `This image cannot be shown: ${error.message}`);
    }
  }

  async frame(card) {
    try {
      const image = await this.images.get("frame", card.n);
      const [w, h] = [image.naturalWidth, image.naturalHeight];
      const node = svg("svg", { viewBox: `0 0 ${w} ${h}`, class: "whole" });
      node.append(svg("image", { href: image.src, width: w, height: h }));
      if (card.box) {
        const [x, y, width, height] = card.box;
        const place = { x: x * w, y: y * h, width: width * w, height: height * h };
        node.append(svg("rect", { ...place, class: "box under" }), svg("rect", { ...place, class: "box" }));
      }
      return node;
    } catch (error) {
      return make("div", "broken", `The whole frame cannot be shown: ${error.message}`);
    }
  }

  cell(card, index, grid) {
    const cell = make("div", grid ? "cell" : "cell large", "", { "data-item": card.n });
    if (grid) {
      cell.append(make("div", "caption"));
      cell.addEventListener("click", (event) => this.pick(index, event));
    }
    return cell;
  }

  // Marks of the cells: which is in focus, chosen, decided, and as what.
  mark(cards, { focus, chosen, caption, done }) {
    this.cells.forEach((cell, i) => {
      cell.classList.toggle("focus", i === focus && cards.length > 1);
      cell.classList.toggle("chosen", chosen.has(cards[i].n));
      cell.classList.toggle("done", done(cards[i]));
      const line = cell.querySelector(".caption");
      if (line) line.textContent = caption(cards[i]);
    });
  }

  ahead(cards, { grid }) {
    for (const card of cards) {
      this.images.get(grid ? "small" : "crop", card.n).catch(() => {});
      if (!grid && card.frame && this.view.parts !== "crop") {
        this.images.get("frame", card.n).catch(() => {});
      }
    }
  }

  light() {
    const { zoom, x, y, bright } = this.view;
    this.node.style.setProperty("--bright", bright);
    if (this.large) this.large.style.setProperty("--move", `translate(${x}px, ${y}px) scale(${zoom})`);
  }

  zoom(factor, event) {
    const view = this.view;
    const next = Math.max(1, Math.min(12, view.zoom * factor));
    if (event && this.large) {
      const area = this.large.getBoundingClientRect();
      const from = [event.clientX - area.left - area.width / 2, event.clientY - area.top - area.height / 2];
      view.x = from[0] - ((from[0] - view.x) * next) / view.zoom;
      view.y = from[1] - ((from[1] - view.y) * next) / view.zoom;
    }
    view.zoom = next;
    if (next === 1) view.x = view.y = 0;
    this.light();
  }

  wheel(event) {
    if (!this.large) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event);
  }

  drag(event) {
    if (!this.large || this.view.zoom === 1) return;
    const from = [event.clientX - this.view.x, event.clientY - this.view.y];
    const move = (e) => {
      this.view.x = e.clientX - from[0];
      this.view.y = e.clientY - from[1];
      this.light();
    };
    const end = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", end);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
  }
}
