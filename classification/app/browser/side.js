// The classes with their keys, counts and suggestions; progress below.

class Side {
  constructor({ label, find }) {
    this.label = label; // called with a class id
    this.node = make("aside", "side");
    this.head = make("div", "class head");
    this.list = make("div", "classes", "", { role: "list" });
    this.progress = make("div", "progress");
    this.rows = [];
    const more = button("Find or add a class", "/", "Find or add a class by name", find);
    this.node.append(this.head, this.list, more, this.progress);
  }

  classes(setup) {
    this.setup = setup;
    const keys = classKeys(setup.several);
    const splits = setup.splits;
    this.node.style.setProperty("--splits", Math.max(splits.length, 1));
    this.head.replaceChildren(make("span"), make("span", "", "class"));
    for (const split of splits.length ? splits : ["labels"]) this.head.append(make("span", "count", split));
    this.rows = setup.classes.map((name, id) => {
      const row = make("button", "class", "", { type: "button", title: name, role: "listitem" });
      const mark = make("span", "mark");
      const counts = (splits.length ? splits : ["labels"]).map(() => make("span", "count", ""));
      row.append(keys[id] ? keycap(keys[id]) : make("span"), make("span", "name", name), ...counts, mark);
      row.addEventListener("mousedown", (event) => event.preventDefault());
      row.addEventListener("click", () => this.label(id));
      return { row, mark, counts };
    });
    this.list.replaceChildren(...this.rows.map((entry) => entry.row));
  }

  counts(counts) {
    const splits = this.setup.splits;
    this.rows.forEach((entry, id) => {
      const numbers = splits.length ? splits.map((s) => counts.splits[s]?.[id]) : [counts.classes[id]];
      numbers.forEach((n, i) => (entry.counts[i].textContent = n || "·"));
    });
    const query = counts.query > 0;
    const [done, all] = query ? [counts.queryDone, counts.query] : [counts.labelled, this.setup.total];
    const bar = make("div", "bar", "", { role: "progressbar", "aria-valuenow": done, "aria-valuemax": all });
    const fill = make("div", "fill");
    fill.style.width = `${all ? (100 * done) / all : 0}%`;
    bar.append(fill);
    const what = query ? `queries of round ${this.setup.round}` : "images";
    const speed = counts.perHour === null ? "" : `${counts.perHour} labels per hour`;
    this.progress.replaceChildren(
      make("div", "line", `${done} of ${all} ${what} done`),
      bar,
      make("div", "line muted", [speed, `${counts.left} in this selection`].filter(Boolean).join(" · ")),
    );
  }

  // What is known of the item in focus, and what the model thinks of it.
  item(card, draft, hints) {
    const scores = new Map(hints && card ? card.top : []);
    this.rows.forEach(({ row, mark }, id) => {
      const present = draft ? draft.present.has(id) : card?.present.includes(id);
      const absent = draft ? draft.absent.has(id) : false;
      row.classList.toggle("present", Boolean(present));
      row.classList.toggle("absent", Boolean(absent));
      mark.textContent = present ? "✓" : absent ? "✗" : "";
      const score = scores.get(id);
      row.style.setProperty("--score", score === undefined ? 0 : score);
      row.classList.toggle("hinted", score !== undefined);
      row.title = score === undefined ? row.title.split("\n")[0] : `${this.setup.classes[id]}\nmodel: ${Math.round(score * 100)} %`;
    });
  }
}
