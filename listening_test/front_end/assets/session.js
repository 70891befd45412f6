// A session: shows page after page, keeps the half-filled one, sends answers until they are acknowledged.
(function (listening) {
  "use strict";

  const { make, button, Words } = listening;
  const PAUSES = [1, 2, 3, 5, 8, 15, 30]; // seconds between tries to reach the server
  const LONGEST_WAIT = 30; // seconds for one reply
  const KEEP_AFTER = 250; // milliseconds after the last change
  const LONGEST_PAGE = 86400; // seconds; more is not a time on a page

  /** The reply, or an error when it takes too long. */
  function limited(reply) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("no reply")), LONGEST_WAIT * 1000);
    });
    return Promise.race([reply, late]).finally(() => clearTimeout(timer));
  }

  class Session {
    constructor(element, host, wording, options) {
      Object.assign(this, { host, wording, storage: host.storage, languages: options.languages });
      this.frame = new listening.Frame(element, this);
      this.sending = false;
      this.dirty = false;
      window.addEventListener("beforeunload", (event) => this.warn(event));
      window.addEventListener("pagehide", () => this.keep());
      document.addEventListener("keydown", (event) => this.key(event));
      document.addEventListener("visibilitychange", () => this.keep());
    }

    async start() {
      const language = this.preferred();
      this.speak(language);
      this.frame.loading();
      this.take(await this.insist(() => this.host.open({ language })));
    }

    /** The language chosen before, else the browser's, else the first of the test. */
    preferred() {
      const wished = [this.storage.get("language"), ...(navigator.languages || [])].filter(Boolean);
      const known = wished.map((one) => one.slice(0, 2).toLowerCase()).find((one) => this.languages.includes(one));
      return known || this.languages[0];
    }

    speak(language) {
      this.words = new Words(this.wording[language] || this.wording[this.languages[0]], language);
      this.frame.speak(this.words);
    }

    /** Ask the host until there is a reply; meanwhile say so. */
    async insist(ask) {
      for (let tries = 0; ; tries += 1) {
        let trouble = "connection_lost";
        try {
          const reply = await limited(ask());
          if (reply && reply.problem !== "failed") {
            this.frame.notice(null);
            return reply;
          }
          trouble = "connection_failed";
        } catch (error) {
          console.warn("songbench: no reply,", error.message);
        }
        await this.pause(trouble, PAUSES[Math.min(tries, PAUSES.length - 1)]);
      }
    }

    /** Wait before the next try; a click or the network's return ends it early. */
    pause(trouble, seconds) {
      return new Promise((resolve) => {
        const go = () => {
          clearTimeout(timer);
          window.removeEventListener("online", go);
          resolve();
        };
        const timer = setTimeout(go, seconds * 1000);
        window.addEventListener("online", go);
        this.frame.notice(this.words.say(trouble), button(this.words.say("try_now"), go, "small"));
      });
    }

    /** Do what a reply says. */
    take(reply) {
      if (reply.problem) {
        this.end(reply.problem, reply.return);
        return;
      }
      if (reply.language && reply.language !== this.words.language) this.speak(reply.language);
      this.storage.set("language", this.words.language);
      this.show(reply.page);
      this.fetchAhead(reply.prefetch || []);
    }

    end(problem, destination) {
      this.leave();
      const leaving = problem === "closed" && this.host.rater(); // there is no menu here
      const withdrawing = leaving ? button(this.words.say("withdraw"), () => this.frame.confirmWithdrawal(), "quiet danger") : null;
      const offer = this.host.ended ? this.host.ended(this.words) : withdrawing;
      const extras = [offer, destination ? listening.wayBack(destination, this.words) : null];
      this.frame.show(listening.problemView(problem, this.words, extras), null);
    }

    leave() {
      clearTimeout(this.timer);
      if (this.view) this.view.close();
      this.view = null;
      this.page = null;
      this.dirty = false;
    }

    show(page) {
      this.leave();
      this.page = page;
      const extras = this.extras(page);
      this.view = listening.viewOf(page, this.words, () => this.changed(), extras);
      if (page.kind === "thanks") this.storage.sweep(`draft:${this.host.rater()}:`);
      if (page.kind === "consent") this.storage.set("minutes", page.minutes);
      this.began = performance.now();
      this.before = 0;
      this.restore();
      this.frame.show(this.view, page);
    }

    /** What the host adds to the last page, and to the first of a rater whom a panel sent. */
    extras(page) {
      if (page.kind === "thanks" && this.host.thanks) return this.host.thanks(this.words);
      if (page.kind === "consent" && page.panel) return button(this.words.say("decline"), () => this.withdraw(), "quiet");
      return null;
    }

    restore() {
      const kept = this.storage.get(this.draftKey());
      if (!kept) return;
      this.before = kept.seconds;
      this.view.restore(kept.state);
    }

    draftKey() {
      return `draft:${this.host.rater()}:${this.page.page}`;
    }

    changed() {
      this.dirty = true;
      this.frame.changed();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.keep(), KEEP_AFTER);
    }

    keep() {
      if (!this.view || this.page.kind === "thanks") return;
      this.storage.set(this.draftKey(), { state: this.view.state(), seconds: this.seconds() });
    }

    seconds() {
      const total = this.before + (performance.now() - this.began) / 1000;
      return Math.min(LONGEST_PAGE, Math.round(total * 10) / 10);
    }

    /** The Next button: whole answers are sent, once; otherwise what is missing is shown. */
    async next() {
      if (this.sending || !this.view) return;
      const gaps = this.view.missing();
      this.frame.gaps(gaps);
      if (gaps.length) {
        gaps[0].focus();
        return;
      }
      const { page } = this;
      const timed = page.kind === "trial" ? { seconds: this.seconds() } : {};
      const answer = { ...this.view.answer(), ...timed };
      this.keep();
      await this.send(page, answer);
    }

    async send(page, answer) {
      this.setSending(true);
      try {
        const reply = await this.insist(() => this.host.answer(page.page, answer));
        if (reply.refused) this.refuse(reply.refused);
        else this.accepted(page, answer, reply);
      } finally {
        this.setSending(false);
      }
    }

    setSending(sending) {
      this.sending = sending;
      this.frame.sending(sending);
    }

    accepted(page, answer, reply) {
      clearTimeout(this.timer);
      this.storage.remove(this.draftKey());
      if (page.kind === "trial" && !page.practice) this.learnPace(answer.seconds);
      this.take(reply);
    }

    refuse({ code, slot }) {
      const key = `refused_${code}`;
      this.frame.notice(this.words.say(this.words.has(key) ? key : "refused_malformed"));
      if (slot && this.view.attend) this.view.attend(slot);
    }

    learnPace(seconds) {
      const pace = this.storage.get("pace") || { pages: 0, seconds: 0 };
      this.storage.set("pace", { pages: pace.pages + 1, seconds: pace.seconds + Math.min(seconds, 600) });
    }

    /** Minutes that are left: from the rater's own pace once there is one, before that from the estimate. */
    minutesLeft(page) {
      const pace = this.storage.get("pace");
      const left = page.trials - (page.trial || 1) + 1;
      if (page.kind === "trial" && pace && pace.pages >= 2) return ((pace.seconds / pace.pages) * left) / 60;
      const minutes = this.storage.get("minutes");
      return minutes ? (minutes * (page.pages - page.page)) / page.pages : null;
    }

    /** Another language: the same page with what was filled in so far. */
    async turn(language) {
      if (this.sending || language === this.words.language) return;
      this.keep();
      this.setSending(true);
      try {
        this.take(await this.insist(() => this.host.turn(language)));
      } finally {
        this.setSending(false);
      }
    }

    async withdraw() {
      if (this.sending) return;
      this.setSending(true);
      try {
        const reply = await this.insist(() => this.host.withdraw());
        this.leave();
        for (const stem of [`draft:${this.host.rater()}:`, "pace", "minutes"]) this.storage.sweep(stem);
        this.take(reply);
      } finally {
        this.setSending(false);
      }
    }

    /** The next page's sounds, so that they start without a wait. */
    fetchAhead(urls) {
      if (!location.protocol.startsWith("http")) return;
      for (const url of urls) fetch(url, { credentials: "same-origin" }).then((one) => one.blob()).catch(() => {});
    }

    key(event) {
      if (!this.view || !this.view.key || this.sending || event.defaultPrevented) return;
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("textarea, dialog")) return;
      if (this.view.key(event)) event.preventDefault();
    }

    /** The browser asks before it closes a page whose answers would be lost. */
    warn(event) {
      const lost = this.dirty && !this.storage.lasting;
      if (this.sending || lost || (this.host.unsaved && this.host.unsaved())) event.preventDefault();
    }
  }

  /**
   * Begin or continue a session.
   * @param {Element} element where the pages appear.
   * @param {object} host `open({language})`, `answer(page, answer)`, `turn(language)`, `withdraw()` as the server has
   *     them; `rater()` names the session; `storage`; `menu(words)`, `thanks(words)`, `ended(words)` and `unsaved()` if it has them.
   * @param {object} wording language → texts.
   * @param {object} options `languages`: those of the test.
   */
  listening.start = function start(element, host, wording, options) {
    const session = new Session(element, host, wording, options);
    session.start();
    return session;
  };
})(window.songbenchListening);
