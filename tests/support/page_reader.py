"""The visible text of a page, and words that no page of mlrisk may hold."""

import re
from html.parser import HTMLParser

FORBIDDEN = re.compile(r"\b(safe|safely|safety|clear|mine-free|minefree)\b", re.IGNORECASE)


class Seen(HTMLParser):
    """The tags, the attributes and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.words.append(data)
