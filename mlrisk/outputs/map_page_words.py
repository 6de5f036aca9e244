"""The fixed texts of the page in every language of the package: the page holds all of them and shows one."""

from typing import Any

import markupsafe

from mlrisk.risk_map import Language
from mlrisk.risk_map.language import FIGURE, language


class PageWords:
    """Texts by their English; `used` collects those that the page needs, so that a test finds missing translations."""

    def __init__(self, codes: tuple[str, ...]) -> None:
        self.languages = tuple(language(code) for code in codes)
        self.used: set[str] = set()

    def entries(self, english: str, **values: object) -> list[str]:
        """The text in each language, in the order of the package; `values` fill its placeholders."""
        self.used.add(english)
        texts = [language.say(english) for language in self.languages]
        if not values:
            return texts
        pairs = zip(self.languages, texts, strict=True)
        return [text.format(**{name: _local(value, words) for name, value in values.items()}) for words, text in pairs]

    def html(self, english: str, **values: object) -> markupsafe.Markup:
        """The text as HTML with all languages, of which the page shows the chosen one."""
        return self.spans(self.entries(english, **values))

    def spans(self, texts: list[str]) -> markupsafe.Markup:
        """Escaped texts of the languages; a single element if they do not differ."""
        if len(set(texts)) == 1:
            return markupsafe.escape(texts[0])
        span = markupsafe.Markup('<span data-l="{0}" lang="{0}">{1}</span>')
        parts = (span.format(words.code, text) for words, text in zip(self.languages, texts, strict=True))
        return markupsafe.Markup("").join(parts)

    def of_data(self, english: str) -> markupsafe.Markup:
        """A text that comes with the data, such as a warning: translated where the language has it."""
        return self.spans([language.say(english) for language in self.languages])

    def table(self, texts: tuple[str, ...]) -> dict[str, Any]:
        """Texts that the script writes, by their English."""
        return {english: self.entries(english) for english in texts}


def _local(value: object, words: Language) -> object:
    """A number as text in the format of the language; anything else unchanged."""
    return words.figures(value) if isinstance(value, str) and FIGURE.fullmatch(value) else value
