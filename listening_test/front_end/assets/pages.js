// Every page that is not a trial. A view has `heading`, `element`, `next` (the button's text), `answer()`, `missing()`,
// `state()`, `restore(state)` and `close()`.
(function (listening) {
  "use strict";

  const { make, paragraphs, scales, Sound, SoundGroup, Player } = listening;

  const RETURN_AFTER = 8000; // milliseconds on the last page until a panel's rater is taken back

  /** What all views share: nothing to answer, nothing to keep. */
  class View {
    constructor(heading, next, children) {
      this.heading = heading;
      this.next = next;
      this.element = make("div", { class: "plain" }, children);
    }

    answer() {
      return {};
    }

    missing() {
      return [];
    }

    state() {
      return this.answer();
    }

    restore() {}

    close() {}
  }

  class ConsentView extends View {
    constructor(page, words, decline) {
      super(page.title || words.say("title"), words.say("agree"), [
        make("p", { class: "facts" }, words.count("consent_length", page.minutes, { trials: page.trials })),
        make("section", { class: "panel" }, make("h2", {}, words.say("consent_about")), paragraphs(page.text || words.say("consent_text"))),
        make(
          "section",
          { class: "panel" },
          make("h2", {}, words.say("consent_data")),
          make("ul", {}, ["stored", ...(page.panel ? ["panel"] : []), "not_stored", "published", "withdraw"].map((one) => make("li", {}, words.say(`consent_${one}`)))),
          page.contact ? make("p", {}, words.say("consent_contact", { contact: page.contact })) : null,
        ),
        make("p", { class: "explained" }, words.say("consent_agree")),
        decline ? make("p", {}, decline) : null,
      ]);
    }

    answer() {
      return { agree: true, device: navigator.userAgent.slice(0, 200) };
    }
  }

  class BackgroundView extends View {
    constructor(page, words, onchange) {
      const questions = page.questions.map((one) => {
        const options = one.options.map(({ value, label }) => ({ value, label }));
        return [one.id, new scales.Choice({ legend: one.label, options }, words, onchange)];
      });
      super(words.say("heading_background"), words.say("next"), [
        make("p", { class: "task" }, words.say("background_optional")),
        make("section", { class: "panel questions list" }, questions.map(([, question]) => question.element)),
      ]);
      this.questions = questions;
    }

    answer() {
      const answered = this.questions.filter(([, question]) => question.value() !== null);
      return { answers: Object.fromEntries(answered.map(([id, question]) => [id, question.value()])) };
    }

    restore({ answers }) {
      for (const [id, question] of this.questions) question.set(answers[id] || null);
    }
  }

  class SoundView extends View {
    constructor(page, words, onchange) {
      const group = new SoundGroup();
      const sound = new Sound(page.stimuli[0], group, { loop: true });
      const player = new Player(sound, words, { name: words.say("name_sound"), onchange });
      super(words.say("heading_sound"), words.say("sound_ready"), [
        make("p", { class: "task" }, words.say("sound_task")),
        make("section", { class: "panel" }, player.element),
        make("p", { class: "explained" }, words.say("sound_keep")),
      ]);
      Object.assign(this, { group, sound, player, words });
    }

    missing() {
      if (this.sound.starts) return [];
      return [{ text: this.words.say("missing_play", { name: this.player.name }), focus: () => listening.attend(this.player.play) }];
    }

    state() {
      return this.sound.log();
    }

    restore(log) {
      this.sound.restore(log);
    }

    close() {
      this.group.close();
      this.player.close();
    }
  }

  class HeadphonesView extends View {
    constructor(page, words, onchange) {
      const group = new SoundGroup();
      const rows = page.stimuli.map((one, n) => {
        const sound = new Sound(one, group);
        const name = words.say("name_tones", { n: n + 1 });
        const player = new Player(sound, words, { name, onchange, flat: true }); // the outline shows which is quietest
        const options = [1, 2, 3].map((value) => ({ value: String(value), label: words.say(`tone_${value}`) }));
        return { sound, player, choice: new scales.Choice({ legend: words.say("tones_question", { name }), options }, words, onchange) };
      });
      super(words.say("heading_headphones"), words.say("next"), [
        make("p", { class: "task" }, words.say("headphones_task")),
        rows.map(({ player, choice }) => make("section", { class: "panel tones" }, player.element, choice.element)),
      ]);
      Object.assign(this, { group, rows, words });
    }

    answer() {
      return { choices: this.rows.map(({ choice }) => (choice.value() === null ? 0 : Number(choice.value()))) };
    }

    missing() {
      const gaps = [];
      for (const { sound, player, choice } of this.rows) {
        const { name } = player;
        if (!sound.starts) gaps.push({ text: this.words.say("missing_play", { name }), focus: () => listening.attend(player.play) });
        if (choice.value() === null) gaps.push({ text: this.words.say("missing_tone", { name }), focus: () => choice.focus() });
      }
      return gaps;
    }

    state() {
      return { choices: this.answer().choices, plays: this.rows.map(({ sound }) => sound.log()) };
    }

    restore({ choices, plays }) {
      this.rows.forEach(({ sound, choice }, n) => {
        sound.restore(plays[n]);
        choice.set(String(choices[n]));
      });
    }

    close() {
      this.group.close();
      for (const { player } of this.rows) player.close();
    }
  }

  class BreakView extends View {
    constructor(page, words) {
      super(words.say("heading_break"), words.say("go_on"), [make("p", { class: "task" }, words.say("break_text"))]);
    }
  }

  /** The end; the host adds a code, or a way to save the answers. */
  class ThanksView extends View {
    constructor(page, words, extras) {
      const destination = page.return || null;
      const address = destination ? secure(destination.url) : "";
      const screened = destination && destination.end === "screened-out";
      super(words.say("heading_thanks"), null, [
        make("p", { class: "task" }, words.say(screened ? "screened_text" : "thanks_text")),
        destination ? wayBack(destination, words) : null,
        address ? make("p", { class: "explained", role: "status" }, words.say("return_soon")) : null,
        page.code ? code(page.code, words) : null,
        extras || null,
        page.code ? make("p", { class: "explained" }, words.say("thanks_close")) : null,
      ]);
      if (address) this.timer = setTimeout(() => window.location.assign(address), RETURN_AFTER);
    }

    close() {
      clearTimeout(this.timer);
    }
  }

  /** The way back to the panel: a link, and the code for whoever cannot follow it. */
  function wayBack({ url, code: text }, words) {
    const address = secure(url);
    if (!address) return text ? code(text, words, "code_text_panel") : make("p", {}, words.say("return_by_hand"));
    return make(
      "section",
      { class: "panel" },
      make("h2", {}, words.say("return_heading")),
      make("p", {}, make("a", { class: "button main wide", href: address, rel: "noreferrer" }, words.say("return_button"))),
      text ? make("p", { class: "explained" }, words.say("return_code"), " ", make("code", {}, text)) : null,
    );
  }

  /** The address if a rater may be sent there, else "". */
  function secure(url) {
    try {
      return new URL(url).protocol === "https:" ? url : "";
    } catch {
      return "";
    }
  }

  function code(text, words, explanation = "code_text") {
    const shown = make("code", { class: "code", tabindex: "0" }, text);
    const copied = make("span", { role: "status" });
    const copy = async () => {
      const done = await copyText(text, shown);
      copied.textContent = words.say(done ? "copied" : "copy_by_hand");
    };
    return make(
      "section",
      { class: "panel" },
      make("h2", {}, words.say("code_heading")),
      make("p", {}, words.say(explanation)),
      make("p", { class: "coded" }, shown, listening.button(words.say("copy"), copy, "small"), copied),
    );
  }

  /** Copy; where the browser does not let a page do that, select the text instead. */
  async function copyText(text, shown) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const selection = window.getSelection();
      selection.selectAllChildren(shown);
      return false;
    }
  }

  const VIEWS = {
    consent: ConsentView,
    background: BackgroundView,
    sound: SoundView,
    headphones: HeadphonesView,
    trial: listening.TrialView,
    break: BreakView,
    thanks: ThanksView,
  };

  /** The view of a page. */
  function viewOf(page, words, onchange, extras) {
    const view = new VIEWS[page.kind](page, words, ["thanks", "consent"].includes(page.kind) ? extras : onchange);
    if (!("next" in view)) view.next = words.say("next");
    return view;
  }

  /** A screen for what ends a session: closed, unknown, invited-only, panel-only, withdrawn. */
  function problemView(problem, words, extras) {
    const key = `problem_${problem}`;
    return new View(words.say(`${key}_heading`), null, [make("p", { class: "task" }, words.say(key)), extras]);
  }

  Object.assign(listening, { viewOf, problemView, wayBack, copyText });
})(window.songbenchListening);
