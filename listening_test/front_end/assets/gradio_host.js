// The side of a server: the functions of a Gradio component. This is the component's `js_on_load`, where `element`,
// `props` and `server` are in scope. Gradio gives no reply at all when the connection is down; that becomes an error,
// and the session tries again.
(function () {
  "use strict";

  const PATIENCE = 200; // tries, a twentieth of a second apart, until the scripts are there

  function gradioHost(listening) {
    const storage = new listening.Storage(props.test);
    const query = new URLSearchParams(window.location.search);
    const invitation = query.get("invitation");
    const visit = {}; // a panel's ids; of a session that is found again by them no token is kept
    for (const [id, name] of Object.entries(props.parameters || {})) if (name) visit[id] = query.get(name) || "";
    const lasting = invitation || !visit.participant;
    const place = `token:${invitation || "open"}`;
    let token = lasting ? storage.get(place) : null;

    const call = async (name, asked) => {
      const reply = await server[name](asked);
      if (!reply) throw new Error("the server did not answer");
      return reply;
    };
    const ask = (language) =>
      call("open_session", { invitation, visit, token, language });

    return {
      storage,
      rater: () => (token || "").slice(0, 12),
      async open({ language }) {
        let reply = await ask(language);
        if (reply.problem === "unknown" && token) {
          token = null; // of a session that is no more; a new one may begin
          reply = await ask(language);
        }
        if (reply.token) {
          token = reply.token;
          if (lasting) storage.set(place, token);
        }
        return reply;
      },
      answer: (page, answer) => call("answer", { token, page, answer }),
      turn: (language) => call("turn", { token, language }),
      withdraw: () => call("withdraw", { token, visit }),
    };
  }

  function begin(tries) {
    const listening = window.songbenchListening;
    if (listening && listening.start) {
      listening.start(element, gradioHost(listening), props.wording, { languages: props.languages });
    } else if (tries) {
      setTimeout(() => begin(tries - 1), 50);
    }
  }

  begin(PATIENCE);
})();
