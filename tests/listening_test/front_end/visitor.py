"""Someone who takes a listening test in a real browser: clicks, listens, answers, and notes what was clicked."""

PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
HEARD = "(player) => player.querySelector('.heard.enough')"


class Visitor:
    """One page in one browser.

    Attributes:
        clicked: page number → what was answered there, as the sheet should hold it.
        troubles: errors on the console and requests to other hosts; a test fixture looks that there are none.
    """

    def __init__(self, context, url):
        self.context, self.clicked, self.troubles = context, {}, []
        self.page = context.new_page()
        self.home = url.split("index.html")[0].split("?")[0]
        self.expected = ()  # errors that a test brings about
        self.elsewhere = ()  # addresses that a test answers itself
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", self._request)
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.page.goto(url)
        self.page.wait_for_selector("h1")

    def _console(self, message):
        if message.type == "error" and not any(fragment in message.text for fragment in self.expected):
            self.troubles.append(message.text)

    def _request(self, request):
        if not request.url.startswith((self.home, "blob:", "data:", *self.elsewhere)):
            self.troubles.append(f"asked {request.url}")

    @property
    def number(self):
        return int(self.page.locator(".songbench-listening").get_attribute("data-page"))

    @property
    def heading(self):
        return self.page.locator("h1").inner_text()

    @property
    def form(self):
        """The form of a trial, "" on other pages."""
        trial = self.page.locator(".trial")
        return (trial.get_attribute("class").split()[-1]) if trial.count() else ""

    def next(self, wait=True):
        """Press the button at the foot; by default wait for another page."""
        number = self.page.locator(".songbench-listening").get_attribute("data-page")
        self.page.locator(".next").click()
        if wait:
            self.page.wait_for_selector(f".songbench-listening:not([data-page='{number}'])")

    def reload(self):
        self.page.reload()
        self.page.wait_for_selector("h1")

    def listen(self):
        """Every song of the page, one after the other, as long as is asked."""
        for player in self.page.locator(".player:has(.heard:not(:empty))").all():
            player.locator(".play").click()
            self.page.wait_for_function(HEARD, arg=player.element_handle())

    def answer(self, seed=0):
        """Listen and answer the page, differently for each seed; keep what was clicked."""
        number = self.number
        if self.form:
            self.listen()
            if self.form in ("multistimulus", "mushra"):
                self.clicked[number] = self._slide(seed)
            else:
                self.clicked[number] = self._choose(seed)
        elif self.page.locator(".tones").count():
            self._play_all()
            self.clicked[number] = [int(value) for value in self._choose(seed)]
        elif self.page.locator(".player").count():
            self._play_all()
        elif self.page.locator("fieldset").count():
            self.clicked[number] = self._choose(seed)
        return self

    def finish(self, seed=0):
        """Answer everything that is left."""
        while self.page.locator(".next").count():
            self.answer(seed + self.number)
            self.next()
        return self

    def _play_all(self):
        for button in self.page.locator(".play").all():
            button.click()
            self.page.wait_for_selector(".play.on:not(.waiting)")

    def _choose(self, seed):
        values = []
        for place, group in enumerate(self.page.locator("fieldset").all()):
            options = group.locator("input")
            option = options.nth((seed + place) % options.count())
            option.check()
            values.append(option.get_attribute("value"))
        return values

    def _slide(self, seed):
        values = []
        for place, slider in enumerate(self.page.locator("input[type=range]").all()):
            box = slider.bounding_box()
            share = ((7 * seed + 23 * place) % 90 + 5) / 100
            slider.click(position={"x": box["width"] * share, "y": box["height"] / 2})
            values.append(slider.input_value())
        return values


def answered(sheet):
    """Page number → what a sheet holds of it, in the form of `Visitor.clicked`."""
    answers = {}
    for entry in sheet.entries:
        answer = entry.answer
        if "ratings" in answer:
            answers[entry.page] = [rating["answer"] for rating in answer["ratings"]]
        elif "choices" in answer:
            answers[entry.page] = answer["choices"]
        elif "answers" in answer:
            answers[entry.page] = list(answer["answers"].values())
    return answers
