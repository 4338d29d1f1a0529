"""The words of a post as narratives read them: all of them for its meaning, and those that may tell a narrative.

Reposting marks, links, handles and letters that only look alike are taken away first; a hashtag in camel case is also
read as the words it is made of; scripts written without spaces give pairs of characters. Pure; hostile text is only text.
"""

import re

from crisis.copies import normalise
from crisis.folding import fold

LONGEST = 1_000
"""Characters of a post that are read."""

_TERM = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+|[^\W\d_](?:[\w'’-]*[^\W_])?")
_SKIP = re.compile(r"@[\w.\-]+|&\w+;")
_CAMEL = re.compile(r"#(\w*[a-z][A-Z]\w*)")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_STOPWORDS = """
    the and for with that this was are you your from they have has had not but all can will just what when who how why
    our out get got been were their there them then than now she her his him its it's i'm i've i'll don't didn't can't
    won't doesn't isn't you're we're they're that's because about after again any some more most over only own same
    too very would could should did does doing being into off here which while where let us one two still even also
    please thanks thank yes really going know need want like make made see say said tell told time day today way back
    new good great lol omg amp via people anyone everyone ever never my me we is it in on of to at as an or be by so
    if do no up he am go user http https el la los las un una unos que por para con del al se lo le su mi es está son
    muy más como pero ya esto esta der die das den dem des ein eine einen und ist nicht mit für auf von zu im ich wir
    sie er hat haben wird wie auch noch nur schon bei aus nach mein meine sind war les une du de et est pas pour dans
    avec sur qui ne ce cette je il elle nous vous ils mon ma mes sont plus au aux très fait être avoir comme mais です
    ます した して
    から まで この その ない する いる ある
    """
_STOP = frozenset(_STOPWORDS.split())


def words(text: str) -> list[str]:
    """Every word of ``text``, folded, in order."""
    text = text[:LONGEST]
    if "#" in text:
        text = _CAMEL.sub(lambda tag: f"{tag.group(1)} {_HUMP.sub(' ', tag.group(1))}", text)
    found: list[str] = []
    for word in _TERM.findall(_SKIP.sub(" ", normalise(fold(text)))):
        if "\u3040" <= word[0] <= "\u9fff":
            found += [word[i : i + 2] for i in range(len(word) - 1)]
        else:
            found.append(word.replace("’", "'"))
    return found


def telling(found: list[str]) -> list[str]:
    """Those of ``words`` that may tell a narrative: no small words, none of one or two Latin letters."""
    return [term for term in found if term not in _STOP and (len(term) > 2 or term[0] >= "\u3040")]


def terms(text: str) -> list[str]:
    """The words of ``text`` that may tell a narrative."""
    return telling(words(text))
