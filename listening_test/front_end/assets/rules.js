// What makes an answer whole: the rules of `listening_test/answers.py`, so that a rater learns of a gap at once.
// The server, and the reading of a bundle's file, apply their own; these here only have to be no laxer.
(function (listening) {
  "use strict";

  const PAIR = "AB";
  const NOT_APPLICABLE = "na";
  const PREFERENCES = ["A", "B", "tie", "both_bad"];
  const LONGEST_COMMENT = 2000;
  const MOST_RANGES = 1000;
  // Players report their place a few times a second; the other side allows half a second.
  const SLACK = 0.4;

  /** Ranges in order, with overlapping and touching ones made one. */
  function merged(ranges) {
    const found = [];
    for (const [start, end] of ranges.map((one) => [...one]).sort((one, two) => one[0] - two[0])) {
      const last = found[found.length - 1];
      if (last && start <= last[1] + 0.01) last[1] = Math.max(last[1], end);
      else if (end > start) found.push([start, end]);
    }
    return found;
  }

  /** Seconds that lie in any of the ranges. */
  function heardSeconds(ranges) {
    return merged(ranges).reduce((total, [start, end]) => total + end - start, 0);
  }

  /** How much of a stimulus of this length has to be heard. */
  function neededSeconds(minimum, seconds) {
    return Math.min(seconds, Math.max(minimum.seconds, minimum.share * seconds));
  }

  /** Seconds still to be heard: 0 when it is enough. */
  function lackingSeconds(minimum, seconds, ranges) {
    const lacking = neededSeconds(minimum, seconds) - heardSeconds(ranges);
    return lacking > SLACK ? lacking : 0;
  }

  /** Whether a page asks about two songs together. */
  function pairwise(page) {
    return page.form === "preference" || page.form === "ccr";
  }

  /** Whether answers are 0 to 100. */
  function continuous(page) {
    return page.form === "multistimulus" || page.form === "mushra";
  }

  /** The slots that are rated. */
  function judgedSlots(page) {
    return pairwise(page) ? [PAIR] : page.stimuli.map((one) => one.slot);
  }

  function possible(page, scale, answer) {
    if (answer === NOT_APPLICABLE) return scale.not_applicable;
    if (page.form === "preference") return PREFERENCES.includes(answer);
    if (continuous(page)) return /^\d+(\.\d)?$/.test(answer) && Number(answer) <= 100;
    return scale.points.some((point) => String(point.value) === answer);
  }

  /**
   * What an answer to a trial still lacks, in the order of the page.
   * @returns {Array} `{code: "unheard", slot, seconds}`, `{code: "unrated", slot, scale}`, `{code: "comment"}`.
   */
  function lacking(page, answer) {
    const found = [];
    const players = [...(page.reference ? [page.reference] : []), ...page.stimuli];
    for (const player of players) {
      const play = answer.plays.find((one) => one.slot === player.slot);
      const seconds = lackingSeconds(page.minimum, player.seconds, play ? play.ranges : []);
      if (seconds) found.push({ code: "unheard", slot: player.slot, seconds });
    }
    for (const slot of judgedSlots(page)) {
      for (const scale of page.scales) {
        const rating = answer.ratings.find((one) => one.slot === slot && one.scale === scale.id);
        if (!rating || !possible(page, scale, rating.answer)) found.push({ code: "unrated", slot, scale: scale.id });
      }
    }
    if (answer.comment.length > LONGEST_COMMENT) found.push({ code: "comment", slot: "" });
    return found;
  }

  listening.rules = {
    PAIR,
    NOT_APPLICABLE,
    PREFERENCES,
    LONGEST_COMMENT,
    MOST_RANGES,
    merged,
    heardSeconds,
    neededSeconds,
    lackingSeconds,
    pairwise,
    continuous,
    judgedSlots,
    lacking,
  };
})(window.songbenchListening);
