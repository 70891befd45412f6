// One player for the recordings of a song: it plays one of them, and changes to another at the same place. Without this
// script each recording has a player of its own. Nothing is stored and nothing else is loaded; texts are set as text.

"use strict";

(() => {
  const STEP = 5; // seconds per arrow key
  const QUIETEST = -30; // LUFS below which equal loudness turns nothing down
  const SVG = "http://www.w3.org/2000/svg";
  const SHAPES = { play: "M3 1l12 7-12 7z", pause: "M3 1h4v14H3zM9 1h4v14H9z" };

  const make = (name, attributes = {}, children = []) => {
    const node = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
    node.append(...children);
    return node;
  };

  const shape = (name, attributes, children = []) => {
    const node = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
    node.append(...children);
    return node;
  };

  const clock = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds + 0.05)); // 69.96 s stands as 70.0 s beside it
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };

  /** One recording: its row, its audio, what belongs to it. */
  class Recording {
    constructor(row, part) {
      this.row = row;
      this.part = part;
      this.audio = row.querySelector(".recording-head audio");
      this.title = row.querySelector(".recording-title").textContent;
      this.seconds = Number(row.dataset.seconds);
      this.loudness = row.dataset.loudness === undefined ? null : Number(row.dataset.loudness);
      this.words = part ? Array.from(part.querySelectorAll(".word[data-start]")) : [];
      this.line = shape("line", { y1: "0", y2: "100%", x1: "0", x2: "0" });
      row.querySelector(".graphs").append(shape("svg", { class: "cursor", "aria-hidden": "true" }, [this.line]));
    }

    /** Whether the browser can go to a place: not where the host sends files from their beginning only. */
    reaches(place) {
      const { seekable } = this.audio;
      const local = !window.location.protocol.startsWith("http") || this.audio.src.startsWith("blob:");
      return local || (seekable.length > 0 && seekable.end(seekable.length - 1) >= place);
    }

    /** Load the whole file at once, so that every place of it can be reached, and go on playing if it played. */
    async takeWhole(ready) {
      if (this.loading) return;
      this.loading = true;
      const response = await fetch(this.audio.src);
      if (!response.ok) throw new Error(response.statusText);
      const address = URL.createObjectURL(await response.blob());
      const playing = !this.audio.paused;
      this.audio.addEventListener("loadedmetadata", () => {
        ready();
        if (playing) this.audio.play().catch(() => {});
      }, { once: true });
      this.audio.preload = "auto";
      this.audio.src = address;
    }
  }

  /** The player of a group of recordings. */
  class Transport {
    constructor(group) {
      this.group = group;
      this.longest = Number(group.dataset.seconds);
      const parts = group.parentElement.querySelector(".recording-parts");
      this.recordings = Array.from(group.querySelectorAll(".recording"), (row) => {
        const part = parts.querySelector(`[data-recording="${CSS.escape(row.dataset.recording)}"]`);
        return new Recording(row, part);
      }).filter(({ audio }) => audio);
      this.current = this.recordings[0];
      this.build();
      this.recordings.forEach((recording) => this.listen(recording));
      document.addEventListener("keydown", (event) => this.key(event));
      group.classList.add("scripted");
      parts.classList.add("scripted");
      this.choose(this.current, { quiet: true });
    }

    build() {
      this.icon = shape("path", { d: SHAPES.play });
      const icon = shape("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, [this.icon]);
      this.play = make("button", { type: "button", class: "play", "aria-label": "Play" }, [icon]);
      this.play.addEventListener("click", () => this.toggle());
      this.clock = make("span", { class: "clock" });
      this.range = make("input", { type: "range", min: "0", step: "0.1", value: "0", "aria-label": "Position" });
      this.range.addEventListener("input", () => this.seek(Number(this.range.value)));
      this.buttons = this.recordings.map((recording, number) => {
        const digit = number < 9 ? [make("kbd", {}, [String(number + 1)])] : [];
        const button = make("button", { type: "button", "aria-pressed": "false" }, [...digit, recording.title]);
        button.addEventListener("click", () => this.choose(recording));
        return button;
      });
      this.status = make("span", { class: "status", role: "status" });
      this.chooser = make("div", { class: "chooser", role: "group", "aria-label": "Song" }, this.buttons);
      const keys = make("p", { class: "keys" });
      for (const [key, meaning] of [["space", "plays and pauses"], ["1–9", "change the song"], ["← →", "seek 5 s"]]) {
        keys.append(make("kbd", {}, [key]), ` ${meaning}   `);
      }
      const title = { role: "group", "aria-label": `Player: ${this.group.dataset.title}` };
      const bar = make("div", { class: "transport", ...title }, [this.play, this.clock, this.range, this.chooser, this.status]);
      this.group.prepend(bar, make("div", { class: "transport-more" }, [...this.equalizer(), keys]));
    }

    /** Louder songs can be turned down to the quietest; where a device keeps its volume to itself, nothing is offered. */
    equalizer() {
      const loudness = this.recordings.map((recording) => recording.loudness).filter((value) => value !== null);
      const { audio } = this.current;
      audio.volume = 0.5;
      const settable = audio.volume === 0.5;
      audio.volume = 1;
      if (!settable || loudness.length < 2) return [];
      const target = Math.max(Math.min(...loudness), QUIETEST);
      const box = make("input", { type: "checkbox" });
      box.addEventListener("change", () => {
        for (const recording of this.recordings) {
          const excess = recording.loudness === null ? 0 : Math.max(0, recording.loudness - target);
          recording.audio.volume = box.checked ? 10 ** (-excess / 20) : 1;
        }
      });
      return [make("label", { title: `Louder songs are turned down to ${target.toFixed(1)} LUFS` }, [box, "equal loudness"])];
    }

    listen(recording) {
      const { row, audio } = recording;
      for (const type of ["play", "pause", "ended", "timeupdate", "seeked", "loadedmetadata"]) {
        audio.addEventListener(type, () => this.show());
      }
      audio.addEventListener("play", () => this.move());
      audio.addEventListener("error", () => this.fail(recording));
      row.addEventListener("click", (event) => {
        if (event.target.closest("a, button, audio, summary")) return;
        const graph = event.target.closest(".graphs > div");
        this.choose(recording);
        if (graph) {
          const box = graph.getBoundingClientRect();
          this.seek(((event.clientX - box.left) / box.width) * this.longest);
        }
      });
      recording.words.forEach((word) => {
        word.classList.add("live");
        word.addEventListener("click", () => {
          this.choose(recording);
          this.seek(Number(word.dataset.start));
          this.start();
        });
      });
    }

    get playing() {
      return !this.current.audio.paused && !this.current.audio.ended;
    }

    get position() {
      return this.pending === undefined ? this.current.audio.currentTime : this.pending;
    }

    toggle() {
      if (this.playing) this.current.audio.pause();
      else this.start();
    }

    start() {
      const { audio } = this.current;
      if (this.position >= this.current.seconds - 0.05) this.seek(0);
      this.recordings.forEach((recording) => {
        if (recording !== this.current) recording.audio.pause();
        recording.audio.preload = "auto";
      });
      audio.play().catch((error) => {
        if (error.name === "NotSupportedError") this.fail(this.current);
      });
    }

    /** Take another recording, at the place of the one before; what was playing goes on playing. */
    choose(recording, { quiet = false } = {}) {
      const { playing, position, current } = this;
      this.current = recording;
      this.recordings.forEach(({ row, part }, number) => {
        const chosen = row === recording.row;
        row.classList.toggle("chosen", chosen);
        if (part) part.classList.toggle("chosen", chosen);
        const button = this.buttons[number];
        button.setAttribute("aria-pressed", String(chosen));
        if (chosen) this.chooser.scrollLeft = button.offsetLeft - this.chooser.offsetLeft - 24;
      });
      if (current !== recording) {
        current.audio.pause();
        this.seek(position);
        if (playing && position < recording.seconds) this.start();
      }
      if (!quiet && current !== recording) this.status.textContent = `${recording.title}, ${clock(position)}`;
      this.show();
    }

    /** Go to a place; one that is set before the audio is there is taken as soon as it is. */
    seek(seconds) {
      const { current } = this;
      const place = Math.min(Math.max(seconds, 0), Math.max(current.seconds - 0.01, 0));
      this.pending = place;
      if (current.audio.readyState > 0) {
        this.settle(current);
      } else {
        current.audio.preload = "metadata";
        current.audio.addEventListener("loadedmetadata", () => this.settle(current), { once: true });
      }
      this.show();
    }

    /** Take the place that is waited for, if it is still that of this recording. */
    settle(recording) {
      if (this.pending === undefined || this.current !== recording) return;
      if (recording.reaches(this.pending)) {
        recording.audio.currentTime = this.pending;
        this.pending = undefined;
      } else {
        recording.takeWhole(() => this.settle(recording)).catch(() => this.fail(recording));
      }
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const { target } = event;
      if (target.closest("input:not([type=range]):not([type=checkbox]), textarea, select, audio")) return;
      if (this.steer(event.key, target)) event.preventDefault();
    }

    /** Do what a key asks for; false when it asks for nothing here. */
    steer(key, target) {
      if (key === " ") {
        // a button is pressed by it, but for that of the song that is chosen already
        const other = "a, summary, [type=checkbox], button:not([aria-pressed=true])";
        if (target.closest(other)) return false;
        this.toggle();
      } else if (/^[1-9]$/.test(key) && this.recordings[Number(key) - 1]) {
        this.choose(this.recordings[Number(key) - 1]);
      } else if (key === "ArrowLeft" || key === "ArrowRight") {
        if (target.closest(".wide, .chooser")) return false;
        this.seek(this.position + (key === "ArrowLeft" ? -STEP : STEP));
      } else {
        return false;
      }
      return true;
    }

    fail(recording) {
      if (recording.row.querySelector(".trouble")) return;
      const text = "This song cannot be played: its file is not beside the page, or this browser cannot decode it.";
      recording.row.append(make("p", { class: "trouble strong", role: "alert" }, [text]));
    }

    /** Between the audio's own reports the place moves with the screen. */
    move() {
      if (this.moving) return;
      this.moving = true;
      const step = () => {
        this.show();
        this.moving = this.playing;
        if (this.moving) requestAnimationFrame(step);
      };
      requestAnimationFrame(step);
    }

    show() {
      const { current, position, playing } = this;
      const label = playing ? "Pause" : "Play";
      if (this.play.getAttribute("aria-label") !== label) {
        this.play.setAttribute("aria-label", label);
        this.icon.setAttribute("d", playing ? SHAPES.pause : SHAPES.play);
      }
      const text = `${clock(position)} / ${clock(current.seconds)}`;
      if (this.clock.textContent !== text) {
        this.clock.textContent = text;
        this.range.setAttribute("aria-valuetext", `${clock(position)} of ${clock(current.seconds)}`);
      }
      this.range.max = String(current.seconds);
      this.range.value = String(position);
      const place = this.longest ? `${((100 * position) / this.longest).toFixed(3)}%` : "0";
      for (const { line } of this.recordings) {
        line.setAttribute("x1", place);
        line.setAttribute("x2", place);
      }
      this.mark(current, position);
    }

    /** The word that is being sung. */
    mark(recording, position) {
      const now = recording.words.findLast((word) => Number(word.dataset.start) <= position);
      if (this.word === now) return;
      if (this.word) this.word.classList.remove("now");
      if (now) now.classList.add("now");
      this.word = now;
    }
  }

  document.querySelectorAll(".recordings").forEach((group) => {
    if (group.querySelector(".recording-head audio")) new Transport(group);
  });
})();
