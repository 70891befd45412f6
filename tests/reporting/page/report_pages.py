"""Report pages of made-up runs, and what stands in them."""

from html.parser import HTMLParser

from songbench.execution.store import Store
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.page.material import PageMaterial
from songbench.reporting.report import write_report

VOID = frozenset(("meta", "link", "img", "br", "input", "hr", "wbr", "source"))


class Page(HTMLParser):
    """A page that is well-formed: what it links and loads, its text, its ids.

    Attributes:
        links: of anchors.
        assets: of everything that a browser loads by itself.
        text: all of it.
        ids: of elements.
        tags: of every element.
    """

    def __init__(self, text):
        super().__init__()
        self.links, self.assets, self.ids, self.tags, self.text, self.open = [], [], [], [], "", []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        assert len(facts) == len(attrs) and "style" not in facts and not any(name.startswith("on") for name in facts)
        self.tags.append(tag)
        self.ids += [facts["id"]] if "id" in facts else []
        self.links += [facts["href"]] if tag == "a" else []
        self.assets += [facts[name] for name in ("src", "href") if name in facts and tag != "a"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def material_of(results, store, **facts):
    """Of a run that is not recorded."""
    board = build_leaderboard(results, replicates=200)
    return PageMaterial(name="demo", board=board, results=results, songs={}, store=store, **facts)


def write_material(material, folder, audio="link"):
    """The report of a run whose songs lie in a store."""
    return write_report(material.board, folder, material=material, audio=audio)


def write_page(results, folder, **facts):
    """The report of a run with its page; gives the page."""
    material = material_of(results, Store(str(folder / "store")), **facts)
    write_report(material.board, folder, material=material)
    return Page((folder / "report.html").read_text(encoding="utf-8"))
