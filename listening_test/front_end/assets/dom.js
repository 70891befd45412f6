// Elements, texts and times. Text from people and servers goes in as text nodes only, never as markup.
window.songbenchListening = window.songbenchListening || {};

(function (listening) {
  "use strict";

  let count = 0;

  /** An id that no other element of the page has. */
  function uniqueId(stem) {
    count += 1;
    return `songbench-${stem}-${count}`;
  }

  /**
   * Make an element.
   * @param {string} name of the element.
   * @param {object} attributes `onclick` and the like are listeners; null and false are left out.
   * @param {...(Node|string|null|Array)} children strings become text.
   */
  function make(name, attributes, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else node.setAttribute(key, value === true ? "" : String(value));
    }
    node.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
    return node;
  }

  /** The texts of one language: `say(key, values)` fills `{name}`; `count` picks the singular where there is one. */
  class Words {
    constructor(texts, language) {
      this.texts = texts;
      this.language = language;
    }

    has(key) {
      return Object.prototype.hasOwnProperty.call(this.texts, key);
    }

    say(key, values = {}) {
      const text = this.has(key) ? this.texts[key] : key;
      return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
    }

    count(key, number, values = {}) {
      const one = `${key}_one`;
      return this.say(number === 1 && this.has(one) ? one : key, { n: number, ...values });
    }
  }

  /** Seconds as 1:05. */
  function clock(seconds) {
    const whole = Math.max(0, Math.floor(seconds + 0.01));
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  }

  /** Text in paragraphs, divided at empty lines. */
  function paragraphs(text) {
    return text.trim().split(/\n\s*\n/).filter(Boolean).map((one) => make("p", {}, one.trim()));
  }

  /** A button; `kind` is a class such as `main` or `quiet`. */
  function button(text, onclick, kind = "", more = {}) {
    return make("button", { type: "button", class: `button ${kind}`.trim(), onclick, ...more }, text);
  }

  /** Whether movement on the page should be kept small. */
  function calm() {
    return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  /** Bring a part of the page into view and give it the focus. */
  function attend(node) {
    node.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
    node.focus({ preventScroll: true });
  }

  Object.assign(listening, { uniqueId, make, Words, clock, paragraphs, button, calm, attend });
})(window.songbenchListening);
