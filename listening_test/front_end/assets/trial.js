// A page of songs to judge: players, lyrics, questions, comment; the same view for practice and test.
(function (listening) {
  "use strict";

  const { make, rules, scales, Sound, SoundGroup, Player } = listening;

  const NARROW = "(max-width: 640px)"; // where lyrics would push the player away they begin folded

  class TrialView {
    /**
     * @param {object} page as the server has it.
     * @param {Words} words of the page.
     * @param {Function} onchange called when there is something to keep.
     */
    constructor(page, words, onchange) {
      this.page = page;
      this.words = words;
      this.onchange = onchange;
      this.group = new SoundGroup(page.form === "mushra");
      this.players = new Map();
      this.questions = new Map(); // slot and scale → question
      this.heading = words.say(page.practice ? "heading_practice" : `heading_${this.kind()}`, {
        n: page.trial,
        total: page.trials,
      });
      this.element = make("div", { class: `trial ${page.form}` }, this.parts());
    }

    kind() {
      return { acr: "song", preference: "pair", ccr: "pair" }[this.page.form] || "set";
    }

    parts() {
      const { page, words } = this;
      const judging = rules.continuous(page) ? this.cards() : this.playersAndQuestions();
      const lyrics = this.lyrics();
      return [
        page.practice ? make("p", { class: "banner" }, words.say("practice_banner")) : null,
        make("p", { class: "task" }, words.say(`task_${page.form}`)),
        make(
          "div",
          { class: lyrics ? "columns" : "columns single" },
          make("div", { class: "judging" }, this.sample(), this.reference(), judging, this.remark()),
          lyrics,
        ),
        this.help(),
      ];
    }

    name(slot) {
      const { page, words } = this;
      if (page.form === "acr") return words.say("name_song");
      return words.say(page.form === "mushra" ? "name_version" : "name_slot", { slot });
    }

    player(source, name, judged = true) {
      const sound = new Sound(source, this.group);
      const player = new Player(sound, this.words, {
        name,
        minimum: judged ? this.page.minimum : null,
        onchange: this.onchange,
      });
      this.players.set(source.slot, player);
      return player.element;
    }

    sample() {
      const { prompt, style, vocal } = this.page.item;
      const { words } = this;
      if (!prompt && !style && !vocal) return null;
      return make(
        "section",
        { class: "panel sample" },
        prompt || style ? make("h2", {}, words.say("style")) : null,
        style ? make("p", { class: "style" }, style) : null,
        prompt ? this.player(prompt, words.say("name_prompt"), false) : null,
        vocal ? this.player(vocal, words.say("name_vocal"), false) : null,
      );
    }

    reference() {
      const { reference } = this.page;
      if (!reference) return null;
      return make("section", { class: "panel reference" }, this.player(reference, this.words.say("name_reference")));
    }

    /** One or two songs, then the questions. */
    playersAndQuestions() {
      const { page, words } = this;
      const slot = rules.pairwise(page) ? rules.PAIR : page.stimuli[0].slot;
      const build = page.form === "preference" ? scales.preference : scales.points;
      const asked = page.scales.map((scale) => {
        const question = build(page, scale, words, this.onchange);
        this.questions.set(`${slot} ${scale.id}`, question);
        return question.element;
      });
      return [
        make("section", { class: "panel songs" }, page.stimuli.map((one) => this.player(one, this.name(one.slot)))),
        make("section", { class: "panel questions" }, make("h2", {}, words.say("questions")), asked),
      ];
    }

    /** Several songs: each with its player and a slider per question, so that all can be compared at a glance. */
    cards() {
      const { page, words } = this;
      const cards = page.stimuli.map((one) => {
        const sliders = page.scales.map((scale) => this.slider(one.slot, scale));
        return make("div", { class: "card" }, this.player(one, this.name(one.slot)), make("div", { class: "sliders" }, sliders));
      });
      this.board = make("div", { class: "cards" }, cards);
      this.inOrder = cards;
      const sorting = page.scales.map((scale) =>
        listening.button(words.say(page.scales.length > 1 ? "sort_by" : "sort", { label: scale.label }), () => this.sort(scale), "small"),
      );
      return make(
        "section",
        { class: "panel questions" },
        page.scales.map((scale) => [make("h2", {}, scale.label), scale.question ? make("p", { class: "explained" }, scale.question) : null]),
        make("div", { class: "sorting" }, sorting, listening.button(words.say("sort_back"), () => this.board.append(...this.inOrder), "small quiet")),
        this.board,
      );
    }

    slider(slot, scale) {
      const name = this.name(slot);
      const caption = this.page.scales.length > 1 ? scale.label : ""; // of a single one the heading speaks
      const slider = new scales.Slider(scale, { name, words: this.words, onchange: this.onchange, caption });
      this.questions.set(`${slot} ${scale.id}`, slider);
      return slider.element;
    }

    /** Best first; songs without an answer keep their order at the end. */
    sort(scale) {
      const score = (slot) => {
        const value = Number.parseFloat(this.questions.get(`${slot} ${scale.id}`).value());
        return Number.isNaN(value) ? -1 : value;
      };
      const places = this.page.stimuli.map((one, n) => ({ card: this.inOrder[n], score: score(one.slot) }));
      places.sort((one, two) => two.score - one.score);
      this.board.append(...places.map((one) => one.card));
    }

    lyrics() {
      const { words } = this;
      if (!this.page.item.lyrics) return null;
      return make(
        "details",
        { class: "panel lyrics", open: !window.matchMedia(NARROW).matches },
        make("summary", {}, make("h2", {}, words.say("lyrics"))),
        make("div", { class: "verses", tabindex: "0", role: "region", "aria-label": words.say("lyrics") }, listening.verses(this.page.item.lyrics, words)),
      );
    }

    remark() {
      if (!this.page.comments) return null;
      const { words } = this;
      const id = listening.uniqueId("comment");
      this.comment = make("textarea", {
        id,
        rows: "2",
        maxlength: String(rules.LONGEST_COMMENT),
        oninput: () => this.onchange(),
      });
      return make("section", { class: "panel remark" }, make("label", { for: id }, words.say("comment")), this.comment);
    }

    help() {
      const { words, page } = this;
      const keys = rules.continuous(page) ? "help_sliders" : "help_points";
      const letters = page.stimuli.map((one) => one.slot).join(", ");
      return make("details", { class: "help" }, make("summary", {}, words.say("help")), make("p", {}, `${words.say("help_player", { letters })} ${words.say(keys)}`));
    }

    /** Letters play, digits answer, space and arrows steer the last player; true when the key meant something here. */
    key(event) {
      const slot = event.key.toUpperCase();
      const target = event.target;
      if (event.key.length === 1 && this.players.has(slot)) {
        this.players.get(slot).sound.toggle();
        return true;
      }
      if (/^[0-9]$/.test(event.key)) return this.digit(Number(event.key), target);
      const ownSpace = target.closest("button, summary, a, input:not([type=range]), select");
      const ownArrows = target.closest("input, select, .wave, .verses");
      if (event.key === " " ? ownSpace : ownArrows || !event.key.startsWith("Arrow") || /Up|Down/.test(event.key)) return false;
      const sound = this.group.last || this.players.values().next().value.sound;
      return [...this.players.values()].find((one) => one.sound === sound).steer(event.key);
    }

    /** Answer the question that has the focus, else the first without an answer, and go on to the next. */
    digit(digit, target) {
      const all = [...this.questions.values()];
      const open = () => all.find((one) => one.value() === null);
      const question = all.find((one) => one.has(target)) || open();
      if (!question || !question.press(digit)) return false;
      const next = open();
      if (next && next.inputs) listening.attend(next.inputs[0]);
      return true;
    }

    answer() {
      const ratings = [];
      for (const slot of rules.judgedSlots(this.page)) {
        for (const scale of this.page.scales) {
          const value = this.questions.get(`${slot} ${scale.id}`).value();
          if (value !== null) ratings.push({ slot, scale: scale.id, answer: value });
        }
      }
      const plays = [...this.players.values()].map((one) => one.sound.log());
      return { ratings, plays, comment: this.comment ? this.comment.value.trim() : "" };
    }

    /** What is not yet done, in words, with where to do it. */
    missing() {
      return rules.lacking(this.page, this.answer()).map((one) => this.gap(one));
    }

    gap({ code, slot, scale, seconds }) {
      const { words, page } = this;
      if (code === "unheard") {
        const name = slot === "R" ? words.say("name_reference") : this.name(slot);
        const text = words.count("missing_listen", Math.ceil(seconds), { name });
        return { text, focus: () => listening.attend(this.players.get(slot).play) };
      }
      if (code === "comment") return { text: words.say("refused_comment"), focus: () => listening.attend(this.comment) };
      const label = page.scales.find((one) => one.id === scale).label;
      const key = rules.continuous(page) ? "missing_slider" : "missing_answer";
      const text = words.say(key, { name: this.name(slot), label });
      return { text, focus: () => this.questions.get(`${slot} ${scale}`).focus() };
    }

    /** Where a refusal by the server points to. */
    attend(slot) {
      const player = this.players.get(slot);
      if (player) listening.attend(player.play);
    }

    state() {
      return this.answer();
    }

    restore(state) {
      for (const { slot, scale, answer } of state.ratings) {
        const question = this.questions.get(`${slot} ${scale}`);
        if (question) question.set(answer);
      }
      for (const log of state.plays) {
        const player = this.players.get(log.slot);
        if (player) player.sound.restore(log);
      }
      if (this.comment) this.comment.value = state.comment;
    }

    close() {
      this.group.close();
      for (const player of this.players.values()) player.close();
    }
  }

  /** Lyrics with their section tags as headings; a tag that is repeated to say how long its section lasts is one. */
  function verses(text, words) {
    const blocks = [];
    for (const line of text.split("\n")) {
      const tag = line.trim().match(/^\[([^\]]+)\](?:\s*\[\1\])*$/);
      if (tag) blocks.push(make("h3", {}, sectionName(tag[1], words)));
      else if (line.trim()) {
        let last = blocks[blocks.length - 1];
        if (!last || last.tagName !== "P") blocks.push((last = make("p", {})));
        if (last.childNodes.length) last.append(make("br"));
        last.append(line.trim());
      } else blocks.push(make("div", { class: "gap" }));
    }
    return blocks;
  }

  function sectionName(tag, words) {
    const key = `section_${tag.trim().toLowerCase().replace(/[^a-z]+/g, "_")}`;
    return words.has(key) ? words.say(key) : tag.trim();
  }

  Object.assign(listening, { TrialView, verses });
})(window.songbenchListening);
