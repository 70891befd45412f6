// One sound and the record of its being heard; a group of which one plays at a time. No view here: see player.js.
(function (listening) {
  "use strict";

  const { rules } = listening;

  /**
   * The sounds of a page: starting one stops the others.
   * `aligned`: versions of the same song; another one starts where the last one was.
   */
  class SoundGroup {
    constructor(aligned = false) {
      this.aligned = aligned;
      this.sounds = [];
      this.last = null;
    }

    /** Called by a sound before it starts. */
    takeOver(sound) {
      const before = this.last;
      for (const one of this.sounds) if (one !== sound) one.pause();
      if (this.aligned && before && before !== sound) {
        sound.place(before.position < before.seconds - 0.05 ? before.position : 0);
      }
      this.last = sound;
      if (before) before.changed();
    }

    close() {
      for (const one of this.sounds) one.close();
    }
  }

  class Sound {
    /**
     * @param {object} source `{slot, url, seconds, peaks}` as the page has it.
     * @param {SoundGroup} group it belongs to.
     * @param {object} options `loop`: begins again when it ends.
     */
    constructor(source, group, options = {}) {
      this.source = source;
      this.seconds = source.seconds;
      this.group = group;
      this.watchers = [];
      this.before = []; // heard before this page was loaded, or before the audio was
      this.starts = 0;
      this.seeks = 0;
      this.broken = false;
      this.waiting = false;
      group.sounds.push(this);
      this.audio = new Audio();
      this.audio.preload = "auto";
      this.audio.loop = Boolean(options.loop);
      for (const name of ["timeupdate", "play", "pause", "ended", "seeked", "loadedmetadata"]) {
        this.audio.addEventListener(name, () => this.changed());
      }
      this.audio.addEventListener("waiting", () => this.setWaiting(true));
      this.audio.addEventListener("playing", () => this.setWaiting(false));
      this.audio.addEventListener("error", () => this.fail());
      this.audio.src = source.url;
    }

    watch(listener) {
      this.watchers.push(listener);
    }

    changed() {
      for (const listener of this.watchers) listener(this);
    }

    get playing() {
      return !this.audio.paused && !this.audio.ended;
    }

    get position() {
      return Math.min(this.audio.currentTime, this.seconds);
    }

    /** What was really heard: the audio element's own record and what was heard before it. */
    get heard() {
      return rules.merged([...this.before, ...this.played()]);
    }

    played() {
      const { played } = this.audio;
      const fit = (time) => Math.round(Math.min(Math.max(time, 0), this.seconds) * 1000) / 1000;
      return Array.from({ length: played.length }, (_, n) => [fit(played.start(n)), fit(played.end(n))]);
    }

    toggle() {
      if (this.playing) this.pause();
      else this.play();
    }

    play() {
      this.group.takeOver(this);
      if (this.broken) {
        this.retry();
        return;
      }
      if (this.audio.ended) this.place(0);
      this.starts += 1;
      this.begin();
    }

    begin() {
      this.setWaiting(this.audio.readyState < 3);
      this.audio.play().catch((error) => {
        this.setWaiting(false);
        if (error.name === "NotSupportedError") this.fail();
      });
      this.changed();
    }

    pause() {
      if (!this.audio.paused) this.audio.pause();
    }

    /** Go to a place because the rater asked for it. */
    seek(seconds) {
      this.seeks += 1;
      this.group.last = this;
      this.place(seconds);
    }

    place(seconds) {
      const at = Math.min(Math.max(seconds, 0), Math.max(this.seconds - 0.01, 0));
      const go = () => {
        this.audio.currentTime = at;
      };
      // Phones load nothing before the first play; a place set earlier than that would be lost.
      if (this.audio.readyState === 0) this.audio.addEventListener("loadedmetadata", go, { once: true });
      else go();
      this.changed();
    }

    setWaiting(waiting) {
      if (this.waiting === waiting) return;
      this.waiting = waiting;
      this.changed();
    }

    fail() {
      if (!this.audio.getAttribute("src")) return;
      this.broken = true;
      this.waiting = false;
      this.changed();
    }

    /** Load again after an error and go on where it stopped. */
    retry() {
      const at = this.audio.currentTime || 0;
      this.before = this.heard;
      this.broken = false;
      this.audio.load();
      if (at) this.place(at);
      this.starts += 1;
      this.begin();
    }

    /** As an answer holds it. */
    log() {
      const ranges = this.heard.slice(0, rules.MOST_RANGES);
      return { slot: this.source.slot, ranges, starts: this.starts, seeks: this.seeks };
    }

    restore(log) {
      this.before = log.ranges;
      this.starts = log.starts;
      this.seeks = log.seeks;
      this.changed();
    }

    close() {
      this.pause();
      this.audio.removeAttribute("src");
      this.audio.load();
    }
  }

  Object.assign(listening, { Sound, SoundGroup });
})(window.songbenchListening);
