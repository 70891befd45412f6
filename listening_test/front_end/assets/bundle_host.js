// The side of a folder without a server: the pages are in data.js, progress stays in this browser, and the answers
// leave it as a file that holds one answer sheet.
(function (listening) {
  "use strict";

  const { make, button, rules } = listening;
  const now = () => Math.round(Date.now()) / 1000;

  function randomName() {
    const bytes = window.crypto.getRandomValues(new Uint8Array(6));
    return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
  }

  class BundleHost {
    constructor(data) {
      this.data = data;
      this.storage = new listening.Storage(data.test.slice(0, 16));
      const wished = new URLSearchParams(window.location.search).get("seat");
      this.wished = /^\d+$/.test(wished || "") ? Number(wished) % data.seats.length : null;
      this.place = `sheet:${this.wished === null ? "drawn" : this.wished}`;
      this.record = this.storage.get(this.place);
    }

    rater() {
      return this.record ? this.record.sheet.rater : "";
    }

    begin(language) {
      const seat = this.wished === null ? Math.floor(Math.random() * this.data.seats.length) : this.wished;
      this.record = {
        page: 0,
        served: now(),
        saved: 0,
        sheet: {
          schema: 1,
          test: this.data.test,
          rater: randomName(),
          seat,
          language,
          started: now(),
          finished: null,
          withdrawn: false,
          device: navigator.userAgent.slice(0, 200),
          entries: [],
        },
      };
      this.keep();
    }

    keep() {
      this.storage.set(this.place, this.record);
    }

    /** Go on from what another tab kept, unless this one is further; false when someone else sits there by now. */
    catchUp() {
      const rater = this.rater();
      const kept = this.storage.get(this.place);
      if (kept && (kept.sheet.rater !== rater || kept.sheet.withdrawn || kept.page > this.record.page)) this.record = kept;
      return this.rater() === rater;
    }

    async open({ language }) {
      if (!this.record) this.begin(language);
      return this.reply();
    }

    reply() {
      const { sheet } = this.record;
      if (sheet.withdrawn) return { problem: "withdrawn" };
      return { language: sheet.language, page: this.page() };
    }

    /** The page as a server would send it: data.js holds what pages share once. */
    page() {
      const { sheet, page } = this.record;
      const { seats, parts } = this.data;
      return expand(seats[sheet.seat][sheet.language][page], parts);
    }

    async answer(number, answer) {
      const same = this.catchUp();
      const { sheet } = this.record;
      if (!same || sheet.withdrawn || number !== this.record.page) return this.reply();
      const page = this.page();
      const gap = page.kind === "trial" ? rules.lacking(page, answer)[0] : null;
      if (gap) return { refused: { code: gap.code, slot: gap.slot } };
      const answered = now();
      sheet.entries.push({ page: number, answer, served: this.record.served, answered });
      Object.assign(this.record, { page: number + 1, served: answered });
      if (this.page().kind === "thanks") sheet.finished = answered;
      this.keep();
      return this.reply();
    }

    async turn(language) {
      if (!this.catchUp()) return this.reply();
      this.record.sheet.language = language;
      this.keep();
      return this.reply();
    }

    async withdraw() {
      if (!this.catchUp()) return this.reply();
      Object.assign(this.record.sheet, { withdrawn: true, entries: [], finished: null });
      this.keep();
      return this.reply();
    }

    /** Whether there are answers at the end that are not in a file yet. */
    unsaved() {
      return Boolean(this.record && this.record.sheet.finished && this.record.saved < this.record.sheet.entries.length);
    }

    text() {
      return `${JSON.stringify(this.record.sheet, null, 1)}\n`;
    }

    save() {
      const url = URL.createObjectURL(new Blob([this.text()], { type: "application/json" }));
      const link = make("a", { href: url, download: `answers-${this.rater()}.json` });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
      this.record.saved = this.record.sheet.entries.length;
      this.keep();
    }

    menu(words) {
      return [{ text: words.say("save_so_far"), action: () => this.save() }];
    }

    /** The last page: save the file, or copy its text; then someone else may sit down. */
    thanks(words) {
      const status = make("p", { class: "explained", role: "status" });
      const save = () => {
        this.save();
        status.textContent = words.say("saved", { file: `answers-${this.rater()}.json` });
      };
      const id = listening.uniqueId("answers");
      const copied = make("textarea", { id, readonly: true, rows: "4" });
      copied.value = this.text();
      return make(
        "div",
        {},
        make(
          "section",
          { class: "panel" },
          make("h2", {}, words.say("save_heading")),
          make("p", {}, words.say("save_text")),
          make("p", {}, button(words.say("save"), save, "main")),
          status,
          make("details", {}, make("summary", {}, words.say("save_trouble")), make("label", { for: id }, words.say("save_copy")), copied),
        ),
        this.ended(words),
      );
    }

    /** What a session's last screen offers: a seat for someone else. */
    ended(words) {
      return make("p", {}, button(words.say("another"), () => this.another(words), "quiet"));
    }

    another(words) {
      if (this.unsaved() && !window.confirm(words.say("another_unsaved"))) return;
      this.storage.remove(this.place); // by its whole name: sheet:1 also begins sheet:10
      for (const stem of [`draft:${this.rater()}:`, "pace", "minutes"]) this.storage.sweep(stem);
      this.record = null;
      window.location.reload();
    }
  }

  /** Put back what was written once for all: `{"$": n}` stands for part n. */
  function expand(value, parts) {
    if (Array.isArray(value)) return value.map((one) => expand(one, parts));
    if (value === null || typeof value !== "object") return value;
    if ("$" in value) return expand(parts[value.$], parts);
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, expand(one, parts)]));
  }

  const data = window.songbenchListeningData;
  listening.start(document.querySelector("main"), new BundleHost(data), data.wording, { languages: data.languages });
})(window.songbenchListening);
