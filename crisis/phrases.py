"""Phrase lists: the way rules about wording are written, so that people who write statements can read them.

One phrase a line; ``#`` starts a comment. Case does not matter; a space stands for any white space, ``'`` for either
apostrophe, ``…`` for up to 80 characters of the same sentence, ``<name>`` for a named list; ``( | )`` and ``?`` mean
what they mean in regular expressions. Phrases match whole words; ``\\w*`` leaves an ending open.
"""

import regex  # type: ignore[import-untyped]


def alternatives(lexicon: str, **lists: str) -> str:
    """The lexicon as one regular expression's source, for use as a named list in another."""
    lines = (line.partition("#")[0].strip() for line in lexicon.splitlines())
    return "(?:" + "|".join(_pattern(line, lists) for line in lines if line) + ")"


def phrases(lexicon: str, **lists: str) -> "regex.Pattern[str]":
    """The lexicon compiled.

    Raises:
        KeyError: a ``<name>`` has no list.
        regex.error: a phrase is not a regular expression.
    """
    return regex.compile(rf"(?<!\w){alternatives(lexicon, **lists)}(?!\w)", regex.IGNORECASE)


def _pattern(phrase: str, lists: dict[str, str]) -> str:
    phrase = regex.sub(r"\((?!\?)", "(?:", phrase)
    phrase = phrase.replace(" ", r"\s+").replace("'", "['’]").replace("…", r"[^.!?\n]{0,80}?")
    return str(regex.sub(r"(?<!\(\?)<(\w+)>", lambda m: lists[m.group(1)], phrase))
