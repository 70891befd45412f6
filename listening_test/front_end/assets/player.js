// The view of a sound: play button, outline with the place and the parts heard, times, what is still to be heard.
(function (listening) {
  "use strict";

  const { make, clock, rules } = listening;
  const STEP = 5; // seconds per arrow key; a tenth of shorter sounds

  class Player {
    /**
     * @param {Sound} sound to show.
     * @param {Words} words of the page.
     * @param {object} options `name`: what it is called; `minimum`: what has to be heard, null for nothing;
     *     `flat`: no outline, where it would give the answer away;
     *     `onchange`: called when something worth keeping happened.
     */
    constructor(sound, words, options) {
      this.sound = sound;
      this.words = words;
      this.name = options.name;
      this.minimum = options.minimum || null;
      this.peaks = options.flat ? Array(64).fill(50) : sound.source.peaks;
      this.onchange = options.onchange || (() => {});
      this.wasPlaying = false;
      this.build();
      sound.watch(() => this.show());
      this.resizes = new ResizeObserver(() => this.draw());
      this.resizes.observe(this.wave);
      this.scheme = window.matchMedia("(prefers-color-scheme: dark)");
      this.redraw = () => this.draw();
      this.scheme.addEventListener("change", this.redraw);
      this.show();
    }

    build() {
      const { words, name } = this;
      this.play = make("button", { type: "button", class: "play", onclick: () => this.sound.toggle() });
      this.canvas = make("canvas", { "aria-hidden": "true" });
      this.wave = make(
        "div",
        {
          class: "wave",
          role: "slider",
          tabindex: "0",
          "aria-label": words.say("position_in", { name }),
          "aria-valuemin": "0",
          "aria-valuemax": this.sound.seconds.toFixed(1),
          onkeydown: (event) => this.key(event),
        },
        this.canvas,
      );
      for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
        this.wave.addEventListener(type, (event) => this.point(event));
      }
      this.time = make("span", { class: "time" });
      this.state = make("span", { class: "heard" });
      this.trouble = make(
        "p",
        { class: "trouble", role: "alert", hidden: true },
        words.say("sound_broken"),
        listening.button(words.say("sound_retry"), () => this.sound.play(), "small"),
      );
      this.title = make("span", { class: "name" }, name);
      this.element = make(
        "div",
        { class: "player", role: "group", "aria-label": name },
        this.play,
        make("div", { class: "track" }, make("div", { class: "above" }, this.title, this.state, this.time), this.wave),
        this.trouble,
      );
    }

    /** Seek by mouse or finger; the sound moves when the finger is lifted. */
    point(event) {
      if (event.type === "pointerdown" && event.button === 0) {
        this.dragged = this.under(event);
        this.wave.setPointerCapture(event.pointerId);
        this.wave.focus({ preventScroll: true });
      } else if (event.type === "pointermove" && this.dragged !== undefined) {
        this.dragged = this.under(event);
      } else if (event.type === "pointerup" && this.dragged !== undefined) {
        const place = this.dragged;
        this.dragged = undefined;
        this.sound.seek(place);
        this.onchange();
      } else if (event.type === "pointercancel") {
        this.dragged = undefined;
      }
      this.draw();
    }

    under(event) {
      const box = this.wave.getBoundingClientRect();
      return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * this.sound.seconds;
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (this.steer(event.key)) event.preventDefault();
    }

    /** Do what a key asks for; false when it asks for nothing. */
    steer(key) {
      const { sound } = this;
      const step = Math.min(STEP, sound.seconds / 10);
      const places = {
        ArrowLeft: sound.position - step,
        ArrowDown: sound.position - step,
        ArrowRight: sound.position + step,
        ArrowUp: sound.position + step,
        Home: 0,
        End: sound.seconds,
      };
      if (key === " " || key === "Enter") sound.toggle();
      else if (key in places) sound.seek(places[key]);
      else return false;
      this.onchange();
      return true;
    }

    show() {
      const { sound, words, name } = this;
      const label = words.say(sound.playing ? "pause" : "play", { name });
      if (this.play.getAttribute("aria-label") !== label) this.play.setAttribute("aria-label", label);
      this.play.classList.toggle("on", sound.playing);
      this.play.classList.toggle("waiting", sound.waiting);
      this.element.classList.toggle("current", sound.group.last === sound);
      this.trouble.hidden = !sound.broken;
      this.time.textContent = `${clock(sound.position)} / ${clock(sound.seconds)}`;
      this.wave.setAttribute("aria-valuenow", sound.position.toFixed(1));
      this.wave.setAttribute("aria-valuetext", words.say("time_of", { at: clock(sound.position), of: clock(sound.seconds) }));
      this.showHeard();
      this.draw();
      if (sound.playing && !this.moving && !listening.calm()) this.move();
      if (this.wasPlaying !== sound.playing) {
        this.wasPlaying = sound.playing;
        this.onchange();
      }
    }

    showHeard() {
      if (!this.minimum) return;
      const lacking = rules.lackingSeconds(this.minimum, this.sound.seconds, this.sound.heard);
      const text = lacking ? this.words.count("heard_lacking", Math.ceil(lacking)) : this.words.say("heard_enough");
      if (this.state.textContent === text) return;
      const first = !this.state.textContent;
      this.state.textContent = text;
      this.state.classList.toggle("enough", !lacking);
      if (!first) this.onchange();
    }

    /** Between the audio element's own reports the place moves with the screen. */
    move() {
      this.moving = true;
      const step = () => {
        this.draw();
        if (this.sound.playing && this.element.isConnected) requestAnimationFrame(step);
        else this.moving = false;
      };
      requestAnimationFrame(step);
    }

    draw() {
      const { canvas, wave, sound } = this;
      const width = wave.clientWidth;
      const height = wave.clientHeight;
      if (!width || !height) return;
      const dense = window.devicePixelRatio || 1;
      if (canvas.width !== Math.round(width * dense)) canvas.width = Math.round(width * dense);
      if (canvas.height !== Math.round(height * dense)) canvas.height = Math.round(height * dense);
      const context = canvas.getContext("2d");
      context.setTransform(dense, 0, 0, dense, 0, 0);
      context.clearRect(0, 0, width, height);
      const colour = (name) => getComputedStyle(wave).getPropertyValue(name).trim();
      const place = ((this.dragged === undefined ? sound.position : this.dragged) / sound.seconds) * width;
      drawOutline(context, this.peaks, { width, height: height - 8, place, colour });
      drawHeard(context, sound, { width, height, colour });
      context.fillStyle = colour("--text");
      context.fillRect(Math.min(Math.max(place - 1, 0), width - 2), 0, 2, height - 5);
    }

    close() {
      this.resizes.disconnect();
      this.scheme.removeEventListener("change", this.redraw);
    }
  }

  /** Bars: the part before the place in one colour, the rest in another. */
  function drawOutline(context, peaks, { width, height, place, colour }) {
    const bars = Math.max(1, Math.min(peaks.length, Math.floor(width / 4)));
    const wide = width / bars;
    for (let n = 0; n < bars; n += 1) {
      const from = Math.floor((n * peaks.length) / bars);
      const to = Math.max(from + 1, Math.floor(((n + 1) * peaks.length) / bars));
      const high = Math.max(2, (Math.max(...peaks.slice(from, to), 0) / 100) * height);
      context.fillStyle = (n + 0.5) * wide <= place ? colour("--accent") : colour("--wave");
      context.fillRect(n * wide + 0.5, (height - high) / 2, Math.max(1, wide - 1.5), high);
    }
  }

  /** A strip below: what was heard. */
  function drawHeard(context, sound, { width, height, colour }) {
    context.fillStyle = colour("--line");
    context.fillRect(0, height - 4, width, 4);
    context.fillStyle = colour("--good");
    for (const [start, end] of sound.heard) {
      context.fillRect((start / sound.seconds) * width, height - 4, ((end - start) / sound.seconds) * width, 4);
    }
  }

  listening.Player = Player;
})(window.songbenchListening);
