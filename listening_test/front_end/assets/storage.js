// What the browser keeps: the session's token, half-filled pages, the pace. In memory where nothing can be kept.
(function (listening) {
  "use strict";

  function usable() {
    try {
      const probe = "songbench-probe";
      window.localStorage.setItem(probe, probe);
      window.localStorage.removeItem(probe);
      return true;
    } catch {
      return false;
    }
  }

  /** Values of one listening test, as JSON, under names of their own. */
  class Storage {
    constructor(test) {
      this.prefix = `songbench:${test}:`;
      this.lasting = usable();
      this.memory = new Map();
    }

    get(key) {
      const text = this.lasting ? window.localStorage.getItem(this.prefix + key) : this.memory.get(key);
      try {
        return text ? JSON.parse(text) : null;
      } catch {
        return null;
      }
    }

    /** Keep a value; false when it will be lost with the page (the disk or the quota is full). */
    set(key, value) {
      const text = JSON.stringify(value);
      if (!this.lasting) {
        this.memory.set(key, text);
        return false;
      }
      try {
        window.localStorage.setItem(this.prefix + key, text);
        return true;
      } catch {
        return false;
      }
    }

    remove(key) {
      if (this.lasting) window.localStorage.removeItem(this.prefix + key);
      this.memory.delete(key);
    }

    /** Remove everything whose name begins like this. */
    sweep(stem) {
      const names = this.lasting ? Object.keys(window.localStorage) : [...this.memory.keys()].map((k) => this.prefix + k);
      for (const name of names) {
        if (name.startsWith(this.prefix + stem)) this.remove(name.slice(this.prefix.length));
      }
    }
  }

  listening.Storage = Storage;
})(window.songbenchListening);
