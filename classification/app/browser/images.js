// Images by item number: fetched and decoded ahead, so that the next one is a swap of nodes.

const KEPT = 80;

class Images {
  constructor(base, request) {
    this.base = base; // "" in a notebook: images then come as messages
    this.request = request;
    this.kept = new Map();
    this.expected = new Map();
  }

  // A promise of an image element that is decoded; it rejects with the reason.
  get(kind, item) {
    const key = `${kind}/${item}`;
    let found = this.kept.get(key);
    if (found) {
      this.kept.delete(key); // to the end: used last
    } else {
      found = this.load(kind, item, key);
      found.catch(() => this.kept.delete(key));
    }
    this.kept.set(key, found);
    for (const old of this.kept.keys()) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(old);
    }
    return found;
  }

  async load(kind, item, key) {
    const image = new Image();
    image.draggable = false;
    image.src = this.base ? `${this.base}${key}` : await this.ask(kind, item, key);
    try {
      await image.decode();
    } catch {
      throw new Error(await this.reason(key));
    }
    return image;
  }

  ask(kind, item, key) {
    return new Promise((resolve, reject) => {
      this.expected.set(key, { resolve, reject });
      this.request({ type: "picture", kind, item });
    });
  }

  came(message) {
    const waiting = this.expected.get(`${message.kind}/${message.item}`);
    if (!waiting) return;
    this.expected.delete(`${message.kind}/${message.item}`);
    if (message.url) waiting.resolve(message.url);
    else waiting.reject(new Error(message.error));
  }

  async reason(key) {
    if (!this.base) return "the browser cannot show this image";
    try {
      const reply = await fetch(`${this.base}${key}`);
      return reply.ok ? "the browser cannot show this image" : await reply.text();
    } catch {
      return "the server does not answer";
    }
  }
}
