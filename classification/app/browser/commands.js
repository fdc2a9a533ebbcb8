// What keys and buttons do, beside labels.

Object.assign(Pane.prototype, {
  key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) {
      if (event.key === "z" && (event.ctrlKey || event.metaKey) && this.here(event)) this.command("undo");
      return;
    }
    if (!this.here(event) || this.node.querySelector(".shade:not(.help)")) return;
    const help = this.node.querySelector(".shade.help");
    if (help) help.remove();
    if (!this.setup || (event.repeat && !event.key.startsWith("Arrow"))) return;
    const key = keyOf(event);
    const id = classKeys(this.setup.several).indexOf(key);
    const command = COMMANDS[key] ?? (key === "=" ? COMMANDS["+"] : undefined);
    if (id >= 0 && id < this.setup.classes.length) this.label(id);
    else if (command && !(help && command[0] === "help")) this.command(command[0]);
    else return;
    event.preventDefault();
  },

  // Whether a key is for this tab: it is on the screen, and nobody types into a field.
  here(event) {
    const target = event.composedPath()[0];
    const typing = ["INPUT", "TEXTAREA", "SELECT"].includes(target?.tagName) || target?.isContentEditable;
    return !typing && this.node.getBoundingClientRect().width > 0;
  },

  command(what) {
    const { view, page } = this;
    const grid = page.length > 1;
    const columns = Number(this.stage.node.style.getPropertyValue("--columns")) || 1;
    const commands = {
      undo: () => this.ask({ type: "undo" }),
      skip: () => this.decide({ verdict: "skip" }),
      unsure: () => this.decide({ verdict: "unsure" }),
      exclude: () => this.decide({ verdict: "exclude" }),
      validation: () => this.card && this.send({ type: "flag", items: this.about, on: !this.card.validation }),
      accept: () => this.card?.top.length && this.label(this.card.top[0][0]),
      find: () => this.find(),
      burst: () => this.card && this.ask({ type: "burst", item: this.card.n }),
      nearest: () => this.card && this.choose({ order: "nearest", anchor: this.card.n }),
      grid: () => this.resize(view.size > 1 ? 1 : kept(localStorage, "grid", 9)),
      parts: () => this.part(),
      hints: () => this.set({ hints: !view.hints }),
      jump: () => this.jump(),
      left: () => (grid ? this.move(-1) : this.ask({ type: "previous" })),
      right: () => (grid ? this.move(1) : this.decide({ verdict: "skip" })),
      up: () => grid && this.move(-columns),
      down: () => grid && this.move(columns),
      choose: () => grid && this.pick(this.focus, { ctrlKey: true }),
      all: () => grid && this.all(),
      next: () => (this.setup.several && this.drafts.size ? this.save() : this.later()),
      none: () => this.none(),
      closer: () => this.stage.zoom(1.3),
      farther: () => this.stage.zoom(1 / 1.3),
      brighter: () => this.light(1.25),
      darker: () => this.light(0.8),
      reset: () => this.light(1, true),
      theme: () => themed(this.model, !this.model.dark),
      help: () => this.node.append(helpPanel(this.setup.several)),
    };
    commands[what]();
  },

  move(by) {
    this.focus = Math.max(0, Math.min(this.page.length - 1, this.focus + by));
    this.refresh();
  },

  pick(index, event) {
    const number = this.page[index].n;
    if (event.shiftKey) {
      const [from, to] = [Math.min(this.focus, index), Math.max(this.focus, index)];
      for (const card of this.page.slice(from, to + 1)) this.chosen.add(card.n);
    } else if (this.chosen.has(number)) this.chosen.delete(number);
    else this.chosen.add(number);
    this.focus = index;
    this.refresh();
  },

  all() {
    const open = this.page.filter((card) => !this.decided.has(card.n)).map((card) => card.n);
    this.chosen = open.every((n) => this.chosen.has(n)) ? new Set() : new Set(open);
    this.refresh();
  },

  // The next page; what was not decided on this one is skipped, so that it comes again last.
  later() {
    const open = this.page.filter((card) => !this.decided.has(card.n)).map((card) => card.n);
    if (this.page.length < 2 || !open.length) return;
    this.chosen = new Set(open);
    this.decide({ verdict: "skip" });
  },

  resize(size) {
    if (size > 1) keep(localStorage, "grid", size);
    this.set({ size });
    this.size.select.value = String(size);
    this.choose({});
  },

  part() {
    const parts = ["both", "crop", "frame"];
    this.set({ parts: parts[(parts.indexOf(this.view.parts) + 1) % 3] });
    this.shown();
  },

  set(change) {
    Object.assign(this.view, change);
    const { size, parts, hints } = this.view;
    keep(localStorage, "view", { size, parts, hints });
    this.refresh();
  },

  light(factor, reset = false) {
    this.view.bright = Math.max(0.3, Math.min(6, this.view.bright * factor));
    if (reset) Object.assign(this.view, { bright: 1, zoom: 1, x: 0, y: 0 });
    this.stage.light();
    this.refresh();
  },

  async find() {
    const { classes, mayAdd } = this.setup;
    const name = await ask(this.node, {
      title: mayAdd ? "Class, or a new one" : "Class",
      placeholder: "a few letters",
      options: (text) => {
        const found = classes.filter((each) => each.toLowerCase().includes(text.toLowerCase()));
        const fresh = mayAdd && text && !classes.includes(text) ? [{ title: `add “${text}”`, value: text }] : [];
        return [...found.map((each) => ({ title: each, value: each })), ...fresh];
      },
    });
    if (name === null) return;
    const id = classes.indexOf(name);
    if (id >= 0) this.label(id);
    else this.send({ type: "class", name });
  },

  async jump() {
    const to = await ask(this.node, { title: "Jump to image", placeholder: `1 to ${this.setup.total}, or a name` });
    if (to) this.ask({ type: "jump", to });
  },

  async rename() {
    if (this.node.querySelector(".shade")) return;
    const name = await ask(this.node, { title: "Who labels?", value: kept(localStorage, "annotator", ""), placeholder: "your name" });
    if (!name) return;
    keep(localStorage, "annotator", name);
    this.hello(name);
  },

  say(text, wrong = false) {
    this.status.textContent = text;
    this.status.classList.toggle("wrong", wrong);
    clearTimeout(this.silence);
    if (text) this.silence = setTimeout(() => this.say(""), 8000);
  },

  // A server that was started anew knows nothing of this page: load it again, nothing is lost.
  async alive() {
    if (!this.model.images) return;
    try {
      const reply = await fetch("alive", { cache: "no-store" });
      if (!reply.ok) throw new Error("not answering");
      const boot = await reply.text();
      if (boot !== this.model.images.split("/")[1]) location.reload();
      // the server is there but this page's connection to it is not, as after a laptop's sleep
      if (this.busy && performance.now() - this.since > STUCK) location.reload();
      if (this.gone) this.say("");
      this.gone = false;
    } catch {
      this.gone = true;
      this.say("The server does not answer. Every label shown as stored is kept; this page goes on by itself.", true);
    }
  },

  close() {
    window.removeEventListener("keydown", this.onkey);
    this.timers.forEach(clearInterval);
  },
});

// The page is drawn light or dark by the server, which learns of the choice through a cookie.
function themed(model, dark) {
  if (!model.images) return;
  document.cookie = `fieldmark_theme=${dark ? "dark" : "light"}; path=/; max-age=31536000; samesite=lax`;
  const address = new URL(location.href);
  address.searchParams.delete("theme");
  location.replace(address);
}

export function render({ model, el }) {
  const chosen = /theme=/.test(location.search) || document.cookie.includes("fieldmark_theme=");
  if (model.images && !chosen && !model.dark && matchMedia("(prefers-color-scheme: dark)").matches) {
    themed(model, true);
    return;
  }
  const pane = new Pane(model, el);
  model.on("remove", () => pane.close());
}
