// The Label tab: keys and clicks become messages; what comes back is shown. An image is replaced
// only when the server has said that the decision about it is stored.

const SIZES = [1, 4, 9, 16, 25, 36];
const ALIVE = 2500; // ms between two looks whether the server is there
const STUCK = 20000; // ms without an answer
const RENEW = 240000; // ms; leases last ten minutes

class Pane {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.number = 0;
    this.queue = [];
    this.page = [];
    this.decided = new Map(); // item -> card as it is since it was decided on this page
    this.drafts = new Map(); // item -> {present, absent}, not stored yet
    this.chosen = new Set();
    this.focus = 0;
    this.wish = kept(sessionStorage, "wish", { which: "query", order: "given", target: 0, split: "" });
    this.view = { size: 1, parts: "both", hints: true, ...kept(localStorage, "view", {}), bright: 1, zoom: 1, x: 0, y: 0 };
    this.images = new Images(model.images, (message) => this.send(message));
    this.stage = new Stage(this.images, { pick: (i, event) => this.pick(i, event), view: this.view });
    this.side = new Side({ label: (id) => this.label(id), find: () => this.find() });
    this.draw();
    model.on("msg:custom", (message) => this.hear(message.data ?? message));
    this.onkey = (event) => this.key(event);
    window.addEventListener("keydown", this.onkey);
    window.addEventListener("pagehide", () => keep(sessionStorage, "before", this.name ?? ""));
    this.timers = [setInterval(() => this.alive(), ALIVE), setInterval(() => this.send({ type: "renew" }), RENEW)];
    this.hello(kept(localStorage, "annotator", ""));
  }

  draw() {
    this.which = choice("Show", (v) => this.choose({ which: v, order: v === "query" || v === "proposal" ? "given" : this.wish.order }));
    this.order = choice("in order", (v) => this.choose({ order: v, anchor: this.card?.n ?? -1 }));
    this.target = choice("of", (v) => this.choose({ target: Number(v) }));
    this.split = choice("in", (v) => this.choose({ split: v }));
    this.size = choice("Images", (v) => this.resize(Number(v)));
    fillChoice(this.size.select, SIZES.map((n) => ({ key: String(n), title: n === 1 ? "one" : `${n}` })), String(this.view.size));
    this.who = button("", "", "Who labels", () => this.rename());
    const again = button("↻", "", "Put in order anew", () => this.choose({}));
    const help = button("Keys", "?", "All keys", () => this.command("help"));
    const bar = make("div", "bar-top");
    const pickers = [this.which, this.order, this.target, this.split, this.size].map((c) => c.label);
    const theme = button(this.model.dark ? "☀" : "☾", "", "Light or dark", () => this.command("theme"));
    theme.hidden = !this.model.images;
    bar.append(...pickers, again, make("span", "stretch"), this.who, theme, help);
    this.title = make("div", "title");
    this.actions = make("div", "actions");
    const acts = [["Save", "↵", "next"], ["Undo", "⌫", "undo"], ["Skip", "s", "skip"], ["Unsure", "u", "unsure"], ["Exclude", "x", "exclude"],
      ["Validation", "v", "validation"], ["Burst", "b", "burst"], ["Nearest", "n", "nearest"], ["View", "f", "parts"], ["Suggestions", "h", "hints"]];
    this.buttons = Object.fromEntries(acts.map(([text, key, what]) => [what, button(text, key, COMMANDS[{ "⌫": "Backspace", "↵": "Enter" }[key] ?? key][1], () => this.command(what))]));
    this.actions.append(...Object.values(this.buttons));
    this.status = make("div", "status", "", { role: "status", "aria-live": "polite" });
    const main = make("main", "main");
    main.append(this.title, this.stage.node, this.actions);
    const body = make("div", "body");
    body.append(main, this.side.node);
    this.node = make("div", "pane", "", { "data-state": "starting" });
    this.node.append(bar, body, this.status);
    this.root.append(this.node);
  }

  send(message) {
    const id = ++this.number;
    this.model.send_msg({ id, count: this.view.size, ...message });
    return id;
  }

  // Send what changes the queue; until it is answered no other such message goes out.
  ask(message) {
    if (this.busy) return;
    this.node.dataset.state = "waiting";
    this.busy = this.send(message);
    this.since = performance.now();
  }

  hello(annotator) {
    const before = kept(sessionStorage, "before", "");
    keep(sessionStorage, "before", "");
    this.send({ type: "hello", annotator, before });
  }

  hear(message) {
    if (message.id && message.id === this.busy) {
      this.busy = null;
      if (this.node.dataset.state === "waiting") this.node.dataset.state = this.page.length ? "ready" : "empty";
      if (this.again) return this.choose({});
    }
    const heard = this[`on_${message.type}`];
    return heard?.call(this, message);
  }

  on_hello({ name, annotator }) {
    this.name = name;
    this.who.textContent = `as ${annotator}`;
    this.greeted = false;
  }

  on_setup(setup) {
    const later = this.setup && setup.round > this.setup.round;
    this.setup = setup;
    this.side.classes(setup);
    if (!setup.which.some((w) => w.key === this.wish.which)) Object.assign(this.wish, { which: setup.which[0].key });
    if (setup.proposed) this.wish = { ...this.wish, which: "proposal", order: "given" };
    this.pickers();
    this.buttons.next.hidden = !setup.several;
    this.buttons.burst.hidden = !setup.bursts;
    this.buttons.parts.hidden = !setup.frames;
    if (!this.greeted || setup.proposed || (later && !this.page.length)) this.choose({});
    else if (later) this.say(`round ${setup.round} has asked for more`);
    this.greeted = true;
    this.refresh();
  }

  pickers() {
    const { setup, wish } = this;
    fillChoice(this.which.select, setup.which, wish.which);
    fillChoice(this.order.select, setup.orders, wish.order);
    fillChoice(this.target.select, setup.classes.map((title, id) => ({ key: String(id), title })), String(wish.target));
    fillChoice(this.split.select, [{ key: "", title: "all splits" }, ...setup.splits.map((s) => ({ key: s, title: s }))], wish.split);
    const about = (list, key) => list.find((entry) => entry.key === key)?.target;
    this.target.label.hidden = !about(setup.which, wish.which) && !about(setup.orders, wish.order);
    this.split.label.hidden = !setup.splits.length;
  }

  choose(change) {
    this.wish = { ...this.wish, ...change };
    keep(sessionStorage, "wish", this.wish);
    this.pickers();
    this.say("putting in order …");
    this.again = Boolean(this.busy); // then as soon as what is under way is answered
    if (!this.again) this.ask({ type: "choose", ...this.wish });
  }

  on_chosen(message) {
    this.say("");
    this.queue = message.items;
    this.turn();
  }

  on_done(message) {
    this.queue = message.items;
    const stored = message.cards.map((card) => card.n);
    window.dispatchEvent(new CustomEvent("fieldmark-stored", { detail: stored }));
    for (const card of message.cards) {
      this.decided.set(card.n, card);
      this.drafts.delete(card.n);
      this.chosen.delete(card.n);
    }
    if (this.page.every((card) => this.decided.has(card.n))) return this.turn();
    this.focus = this.page.findIndex((card, i) => !this.decided.has(card.n) && i >= this.focus);
    if (this.focus < 0) this.focus = this.page.findIndex((card) => !this.decided.has(card.n));
    return this.refresh();
  }

  on_first(message) {
    if (!message.first.length) return this.say("there is nothing before this");
    this.queue = message.items;
    const cards = message.items.slice(0, message.first.length);
    this.turn(message.burst || cards.length > 1 ? cards.length : this.view.size);
    if (message.burst) this.chosen = new Set(cards.map((card) => card.n));
    return this.refresh();
  }

  on_flagged(message) {
    for (const card of message.cards) {
      const at = this.page.findIndex((old) => old.n === card.n);
      if (at >= 0) this.page[at] = card;
    }
    this.refresh();
  }

  on_class({ number }) {
    this.label(number);
  }

  on_counts(counts) {
    if (this.setup) this.side.counts(counts);
  }

  on_picture(message) {
    this.images.came(message);
  }

  on_error({ text }) {
    this.say(text, true);
    if (text.startsWith("say who labels")) this.rename();
    this.refresh();
  }

  // The next screenful of the queue.
  turn(size = this.view.size) {
    this.page = this.queue.slice(0, size);
    this.decided.clear();
    this.chosen.clear();
    this.focus = 0;
    Object.assign(this.view, { zoom: 1, x: 0, y: 0 });
    this.shown();
  }

  async shown() {
    const { page } = this;
    this.node.dataset.state = "loading";
    if (!page.length) {
      const more = this.wish.which === "query" ? "What the next round asks for appears here by itself, or choose" : "Choose";
      this.stage.node.replaceChildren(make("div", "broken", `Nothing is left here. ${more} what else to show above.`));
      this.node.dataset.state = "empty";
      delete this.node.dataset.item;
      return this.refresh();
    }
    if (!(await this.stage.show(page, { grid: page.length > 1 }))) return null;
    this.shownAt = new Date().toISOString();
    this.node.dataset.item = page[0].n;
    this.node.dataset.state = "ready";
    this.refresh();
    if (!this.begun) performance.mark("fieldmark-first");
    else if (this.since) performance.measure("fieldmark-next", { start: this.since });
    this.begun = true;
    this.since = null;
    return this.stage.ahead(this.queue.slice(page.length, page.length + 8), { grid: page.length > 1 });
  }

  get card() {
    return this.page[this.focus] ?? null;
  }

  // The items an answer is about: those chosen, or else the one in focus.
  get about() {
    const chosen = this.page.filter((card) => this.chosen.has(card.n)).map((card) => card.n);
    return chosen.length ? chosen : this.card ? [this.card.n] : [];
  }

  refresh() {
    if (!this.setup) return;
    const { card } = this;
    const now = card && (this.decided.get(card.n) ?? card);
    const draft = now && this.setup.several ? this.draft(now) : null;
    this.side.item(now, draft, this.view.hints);
    const flag = now?.validation ? "validation" : "";
    const bright = this.view.bright === 1 ? "" : `brightness × ${this.view.bright.toFixed(1)} (r: back)`;
    const said = now ? this.caption(now) : "";
    const parts = now ? [`${now.n + 1} of ${this.setup.total}`, now.split, flag, now.burst > 1 ? `burst of ${now.burst}` : "", ...now.said, bright] : [];
    this.title.replaceChildren(make("span", "path", now?.name ?? ""), make("span", "said", said), make("span", "muted", parts.filter(Boolean).join(" · ")));
    this.stage.mark(this.page, {
      focus: this.focus,
      chosen: this.chosen,
      caption: (each) => this.caption(this.decided.get(each.n) ?? each),
      done: (each) => this.decided.has(each.n),
    });
    this.buttons.hints.classList.toggle("off", !this.view.hints);
  }

  caption(card) {
    const names = (ids) => ids.map((id) => this.setup.classes[id]).join(" + ");
    const draft = this.drafts.get(card.n);
    if (draft) return `${names([...draft.present])}${draft.absent.size ? ` (not ${names([...draft.absent])})` : ""} …`;
    if (["unsure", "exclude", "skip"].includes(card.verdict)) return `(${card.verdict})`;
    return names(card.present) || (card.absent.length === this.setup.classes.length ? "none of the classes" : "");
  }

  decide(answer) {
    const items = this.about;
    if (!items.length) return;
    this.ask({ type: "decide", items, shown_at: this.shownAt, ...answer });
  }

  label(id) {
    if (!this.setup || id >= this.setup.classes.length || !this.card) return;
    if (!this.setup.several) this.decide({ verdict: "label", label: this.setup.classes[id] });
    else this.toggle(id);
  }
}
