// Questions: labelled points, preferences, sliders. Each has `value()`, `set(answer)`, `press(digit)` and `focus()`.
(function (listening) {
  "use strict";

  const { make, uniqueId, rules } = listening;
  const LONG_LABEL = 10; // characters; longer labels stand in rows on a narrow screen

  /** A question answered by choosing one of several labelled options. */
  class Choice {
    /**
     * @param {object} given `legend`, `question`, `options` as `[{value, shown, label, apart}]`, `optional`.
     * @param {Words} words of the page.
     * @param {Function} onchange called after every answer.
     */
    constructor(given, words, onchange) {
      this.options = given.options;
      const name = uniqueId("choice");
      this.inputs = given.options.map((one) =>
        make("input", { type: "radio", name, value: one.value, onchange: () => this.changed(onchange) }),
      );
      const tiles = given.options.map((one, n) => tile(this.inputs[n], one));
      const long = given.options.some((one) => width(one.label) > LONG_LABEL) || given.options.length > 6;
      const hint = given.question ? uniqueId("question") : null;
      this.element = make(
        "fieldset",
        { class: "question", "aria-describedby": hint },
        make("legend", {}, given.legend),
        given.question ? make("p", { class: "explained", id: hint }, given.question) : null,
        make("div", { class: long ? "tiles long" : "tiles" }, tiles),
      );
    }

    changed(onchange) {
      this.element.classList.remove("missing");
      onchange();
    }

    value() {
      const chosen = this.inputs.find((input) => input.checked);
      return chosen ? chosen.value : null;
    }

    set(answer) {
      for (const input of this.inputs) input.checked = input.value === answer;
    }

    /** Choose by a number key: the option that shows the number, else the option in that place. */
    press(digit) {
      const byText = this.options.findIndex((one) => one.shown === String(digit));
      const place = byText >= 0 ? byText : digit - 1;
      if (!this.inputs[place]) return false;
      this.inputs[place].click();
      this.inputs[place].focus();
      return true;
    }

    has(node) {
      return this.element.contains(node);
    }

    focus() {
      this.element.classList.add("missing");
      listening.attend(this.inputs.find((input) => input.checked) || this.inputs[0]);
    }
  }

  /** How wide a text is, in Latin letters. */
  function width(text) {
    return [...text].reduce((total, one) => total + (one.codePointAt(0) > 0x2e80 ? 2 : 1), 0);
  }

  function tile(input, { shown, label, apart }) {
    return make(
      "label",
      { class: apart ? "tile apart" : "tile" },
      input,
      shown ? make("span", { class: "shown" }, shown) : null,
      label ? make("span", { class: "name" }, label) : null,
    );
  }

  function signed(value) {
    return value > 0 ? `+${value}` : String(value).replace("-", "−");
  }

  /** The labelled points of a scale; a comparison's have signs. */
  function points(page, scale, words, onchange) {
    const options = scale.points.map((point) => ({
      value: String(point.value),
      shown: page.form === "ccr" ? signed(point.value) : String(point.value),
      label: point.label,
    }));
    return new Choice(asked(scale, withNotApplicable(scale, options, words)), words, onchange);
  }

  /** Which of two songs is better. */
  function preference(page, scale, words, onchange) {
    const options = rules.PREFERENCES.map((value) => ({ value, label: words.say(`preference_${value}`) }));
    return new Choice(asked(scale, withNotApplicable(scale, options, words)), words, onchange);
  }

  function asked(scale, options) {
    return { legend: scale.label, question: scale.question, options };
  }

  function withNotApplicable(scale, options, words) {
    if (!scale.not_applicable) return options;
    return [...options, { value: rules.NOT_APPLICABLE, label: words.say("not_applicable"), apart: true }];
  }

  /** 0 to 100 by a slider that is empty until it is moved or clicked. */
  class Slider {
    constructor(scale, { name, words, onchange, caption }) {
      this.words = words;
      this.onchange = onchange;
      this.touched = false;
      this.input = make("input", {
        type: "range",
        min: "0",
        max: "100",
        step: "1",
        "aria-label": words.say("slider", { name, label: scale.label }),
        oninput: () => this.touch(),
        onclick: () => this.touch(), // also where it stands; not by the right button, nor by a finger that scrolls
        onkeydown: (event) => this.key(event),
      });
      this.input.value = "50";
      this.output = make("output", { class: "score" });
      this.apart = scale.not_applicable ? this.notApplicable() : null;
      const fifths = scale.points.length ? scale.points.map((point) => point.label) : null;
      this.element = make(
        "div",
        { class: "slider" },
        make("div", { class: "above" }, make("span", { class: "caption" }, caption), this.output),
        this.input,
        make("div", { class: fifths ? "fifths" : "ends", "aria-hidden": "true" }, (fifths || ["0", "100"]).map((label) => make("span", {}, label))),
        this.apart ? make("label", { class: "check" }, this.apart, words.say("not_applicable")) : null,
      );
      this.labels = fifths;
      this.show();
    }

    notApplicable() {
      return make("input", {
        type: "checkbox",
        onchange: () => {
          this.touched = false;
          this.show();
          this.onchange();
        },
      });
    }

    key(event) {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.touch();
    }

    touch() {
      this.touched = true;
      if (this.apart) this.apart.checked = false;
      this.element.classList.remove("missing");
      this.show();
      this.onchange();
    }

    show() {
      const { touched, words } = this;
      this.element.classList.toggle("untouched", !touched);
      this.output.textContent = touched ? this.input.value : "–";
      const fifth = this.labels ? this.labels[Math.min(4, Math.floor(Number(this.input.value) / 20))] : "";
      const spoken = touched ? `${this.input.value} ${fifth}`.trim() : words.say("slider_untouched");
      this.input.setAttribute("aria-valuetext", spoken);
    }

    value() {
      if (this.apart && this.apart.checked) return rules.NOT_APPLICABLE;
      return this.touched ? String(Number(this.input.value)) : null;
    }

    set(answer) {
      if (this.apart) this.apart.checked = answer === rules.NOT_APPLICABLE;
      this.touched = answer !== null && answer !== rules.NOT_APPLICABLE;
      if (this.touched) this.input.value = answer;
      this.show();
    }

    press() {
      return false;
    }

    has(node) {
      return this.element.contains(node);
    }

    focus() {
      this.element.classList.add("missing");
      listening.attend(this.input);
    }
  }

  listening.scales = { Choice, Slider, points, preference };
})(window.songbenchListening);
