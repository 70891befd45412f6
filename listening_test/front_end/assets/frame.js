// What stands around every page: progress, menu, notices, the Next button and the list of what is missing.
(function (listening) {
  "use strict";

  const { make, button } = listening;

  class Frame {
    constructor(element, session) {
      this.session = session;
      this.top = make("header", { class: "top" });
      this.message = make("div", { class: "notice", role: "alert", hidden: true });
      this.body = make("div", { class: "body" });
      this.foot = make("div", { class: "foot" });
      this.root = make("div", { class: "songbench-listening" }, this.top, this.body, this.foot, this.message);
      element.replaceChildren(this.root);
    }

    speak(words) {
      this.words = words;
      this.root.lang = words.language === "zh" ? "zh-Hans" : words.language;
      document.documentElement.lang = this.root.lang;
      document.title = words.say("title");
    }

    loading() {
      this.body.replaceChildren(make("p", { class: "loading" }, this.words.say("loading")));
    }

    /** Say something at the foot of the window, or take it away. */
    notice(text, ...more) {
      this.message.hidden = text === null;
      this.message.replaceChildren(...(text === null ? [] : [make("p", {}, text), ...more]));
    }

    /** Show a view; `page` is null for screens outside a session. */
    show(view, page) {
      const heading = make("h1", { tabindex: "-1" }, view.heading);
      this.view = view;
      this.root.dataset.page = page ? page.page : "";
      this.root.classList.toggle("narrow", view.element.classList.contains("plain"));
      this.top.replaceChildren(...(page ? this.bar(page) : []));
      this.body.replaceChildren(heading, page && page.kind === "consent" ? this.tongues() : "", view.element);
      this.missing = make("div", { class: "missing-list", role: "status" });
      this.button = view.next ? button(view.next, () => this.session.next(), "main next") : null;
      this.foot.replaceChildren(this.missing, ...(this.button ? [this.button] : []));
      if (page && !this.session.storage.lasting) this.foot.prepend(make("p", { class: "explained" }, this.words.say("not_kept")));
      this.notice(null);
      window.scrollTo(0, 0);
      heading.focus({ preventScroll: true });
    }

    bar(page) {
      const { words } = this;
      const done = page.page / Math.max(1, page.pages - 1);
      return [
        make("div", { class: "place" }, make("progress", { max: "1", value: done.toFixed(3), "aria-label": words.say("progress") }), make("span", {}, this.place(page))),
        this.menu(),
      ];
    }

    place(page) {
      const { words } = this;
      const minutes = page.kind === "thanks" || page.kind === "consent" ? null : this.session.minutesLeft(page);
      const parts = [page.kind === "trial" && !page.practice ? words.say("trial_of", { n: page.trial, total: page.trials }) : null];
      if (minutes !== null) parts.push(minutes < 1.5 ? words.say("almost_done") : words.say("minutes_left", { n: Math.round(minutes) }));
      return parts.filter(Boolean).join(" · ");
    }

    /** One button per language, each in its own tongue. */
    tongues() {
      const { languages } = this.session;
      if (languages.length < 2) return "";
      return make(
        "div",
        { class: "tongues", role: "group", "aria-label": this.words.say("language") },
        languages.map((one) =>
          button(this.session.wording[one].language_name, () => this.session.turn(one), "small", {
            lang: one === "zh" ? "zh-Hans" : one,
            "aria-pressed": String(one === this.words.language),
          }),
        ),
      );
    }

    menu() {
      const { words, session } = this;
      const close = (action) => () => {
        menu.open = false;
        action();
      };
      const extra = session.host.menu ? session.host.menu(words) : [];
      const items = [
        ...extra.map(({ text, action }) => button(text, close(action), "quiet")),
        button(words.say("withdraw"), close(() => this.confirmWithdrawal()), "quiet danger"),
      ];
      const menu = make("details", { class: "menu" }, make("summary", {}, words.say("menu")), make("div", { class: "items" }, this.tongues(), items));
      menu.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        menu.open = false;
        menu.querySelector("summary").focus();
      });
      return menu;
    }

    confirmWithdrawal() {
      const { words } = this;
      this.ask(words.say("withdraw"), words.say("withdraw_text"), words.say("withdraw_yes"), () => this.session.withdraw());
    }

    /** Ask before doing something that cannot be undone. */
    ask(heading, text, yes, action) {
      const title = listening.uniqueId("ask");
      const dialog = make("dialog", { "aria-labelledby": title, onclose: () => dialog.remove() });
      const go = () => {
        dialog.close();
        action();
      };
      dialog.append(
        make("h2", { id: title }, heading),
        make("p", {}, text),
        make("div", { class: "choices" }, button(this.words.say("cancel"), () => dialog.close(), "main"), button(yes, go, "danger")),
      );
      this.root.append(dialog);
      dialog.showModal();
    }

    /** What is still missing, each with a way there. */
    gaps(gaps) {
      this.asked = gaps.length > 0;
      this.missing.replaceChildren(
        ...(gaps.length
          ? [make("p", {}, this.words.say("missing")), make("ul", {}, gaps.map(({ text, focus }) => make("li", {}, button(text, focus, "link"))))]
          : []),
      );
    }

    /** Once the list is there it follows what the rater does. */
    changed() {
      if (this.asked && this.view) this.gaps(this.view.missing());
    }

    sending(sending) {
      if (this.view) this.view.element.inert = sending;
      if (!this.button) return;
      this.button.setAttribute("aria-disabled", String(sending));
      this.button.textContent = sending ? this.words.say("sending") : this.view.next;
    }
  }

  listening.Frame = Frame;
})(window.songbenchListening);
