// Several classes in one image: a key turns a class from unknown to present, absent and unknown;
// Enter stores what is drafted.

Object.assign(Pane.prototype, {
  draft(card) {
    return this.drafts.get(card.n) ?? { present: new Set(card.present), absent: new Set(card.absent) };
  },

  toggle(id) {
    const now = this.card && (this.decided.get(this.card.n) ?? this.card);
    const draft = this.draft(now);
    const to = draft.present.has(id) ? "absent" : draft.absent.has(id) ? "unknown" : "present";
    for (const item of this.about) {
      const card = this.decided.get(item) ?? this.page.find((each) => each.n === item);
      const own = this.draft(card);
      const next = { present: new Set(own.present), absent: new Set(own.absent) };
      next.present.delete(id);
      next.absent.delete(id);
      if (to !== "unknown") next[to].add(id);
      this.drafts.set(item, next);
    }
    this.refresh();
  },

  // Nothing of the classes is there.
  none() {
    if (!this.setup.several) return;
    for (const item of this.about) {
      this.drafts.set(item, { present: new Set(), absent: new Set(this.setup.classes.keys()) });
    }
    this.refresh();
  },

  // Store the drafts of the items in question; equal ones go together, others one by one.
  save() {
    const card = this.card && (this.decided.get(this.card.n) ?? this.card);
    if (!card) return;
    const { present, absent } = this.draft(card);
    if (!present.size && !absent.size) {
      this.say("mark a class first, or press 0 where none of them is there");
      return;
    }
    const names = (ids) => [...ids].map((id) => this.setup.classes[id]);
    this.decide({ verdict: "marks", present: names(present), absent: names(absent) });
  },
});
