"""Near copies: what is found, what is left alone, and that the answer depends on the posts alone."""

import json
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis import candidates
from crisis.copies import CopyFinder, Originals, fingerprint, plain, said
from crisis.folding import flat
from crisis.likeness import Compared
from crisis.rarity import ALL, PRIOR, Stream, familiar, table, worth
from crisis.sketch import BEGINNINGS, KEYS, Sketches, sketches

ORIGINAL = "Acme sold us a machine that overheats since the update, and nobody answers the phone for three days now"


@pytest.mark.parametrize(
    "copy",
    [
        ORIGINAL,
        f"RT @ada: {ORIGINAL}",
        f"@bob @eve {ORIGINAL} https://example.org/x",
        ORIGINAL.replace("machine", "kettle"),
        ORIGINAL.replace("machine", "kettle").replace("nobody", "no one").replace("three", "four"),
        "Acme sold us a machine taht overheats sinse the update, and nobdy answers teh phone for three dayz now",
        ORIGINAL.replace("a", "а").replace("e", "е").replace("o", "о").replace("p", "р"),
        ORIGINAL.replace("e", "e\u200b"),
        ORIGINAL[:60] + "…",
        ORIGINAL.replace("a", "á").replace("e", "ë").replace("o", "ø").replace("n", "ñ"),
        "Acme s0ld us a m4ch1ne th4t 0verh3ats s1nce the upd4te, and n0b0dy an$w3rs the ph0ne f0r thr3e d4ys n0w",
        f'never again "@ada: {ORIGINAL.replace("machine", "“machine”")}"',
        ORIGINAL.upper().replace(",", " !!! 🔥"),
        "𝐀𝐜𝐦𝐞 𝐬𝐨𝐥𝐝 𝐮𝐬 𝐚 𝐦𝐚𝐜𝐡𝐢𝐧𝐞 that overheats since the update, and nobody answers the phone for three days now",
    ],
)
def test_a_changed_copy_is_a_copy_of_the_first(copy: str) -> None:
    finder = CopyFinder()
    assert finder.add("1", ORIGINAL) is None
    assert finder.add("2", "The train was late again today and the next one is full, thanks for nothing") is None
    assert finder.add("3", copy) == "1"
    assert finder.add("4", copy) == "1"


def test_a_quotation_that_quotes_is_passed_on_whole() -> None:
    text = 'They wrote "all is well" and "be patient" to us, and then the "experts" never came'
    assert said(f'lol "@ada: {text}"') == (text, True)
    assert said(f'"@ada: {text[:20]}" I was there and nobody "came" at all')[1] is False


JAPANESE = "このコーヒーメーカーは更新してから過熱するようになりました。煙が出て怖いです"
RUSSIAN = "После обновления кофеварка перегревается и дымит, поддержка не отвечает"
ARABIC = "منذ التحديث الأخير ترتفع حرارة الجهاز ويخرج منه الدخان ولا أحد يرد"
KOREAN = "업데이트 이후로 커피 머신이 과열되고 연기가 납니다. 고객센터는 답이 없네요"


@pytest.mark.parametrize(
    ("original", "copy"),
    [
        (JAPANESE, JAPANESE.replace("なりました", "なった") + "！"),
        (RUSSIAN, RUSSIAN.replace("новл", "навл").replace("вается", "ваеться")),
        (RUSSIAN, RUSSIAN.replace("о", "o").replace("е", "e")),
        (ARABIC, ARABIC.replace("الدخان", "دخان") + " علي"),
        (KOREAN, KOREAN.replace("이후로", "이후").replace(".", "!")),
    ],
)
def test_copies_are_found_in_other_scripts_too(original: str, copy: str) -> None:
    finder = CopyFinder()
    assert finder.add("1", original) is None
    assert finder.add("2", copy) == "1"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("thank you so much!", "thank you so much!"),
        ("@acme your service is terrible", "@acme your service is fine"),
        (ORIGINAL, "Acme sold my neighbour a kettle last year, it works and they answered my mail within a day"),
        ("Flight to Boston is late, waiting at the gate for two hours", "Flight to Denver was fine, no waiting and good food"),
        ("Flight 495 to Boston is late, we wait at the gate", "Flight 719 to Boston is late, we wait at the gate"),
        ("", ""),
    ],
)  # fmt: skip
def test_two_people_who_say_something_similar_do_not_copy(one: str, other: str) -> None:
    finder = CopyFinder()
    finder.add("1", one)
    assert finder.add("2", other) is None


def test_a_short_text_is_a_copy_when_it_says_so_itself() -> None:
    finder = CopyFinder()
    finder.add("1", "Boycott Acme!")
    assert finder.add("2", "RT @ada: Boycott Acme!") == "1"
    assert finder.add("3", "Boycott Acme!") is None


@pytest.mark.parametrize(
    ("original", "copy"),
    [
        ("acme gate B17 fire lol", "@bob acme GATE b17 fire lol!!"),
        ("acme gate B17 fire lol", "acme gate B17 fire u"),
        ("acme gate B17 fire lol", "аcme gаte B17 firе lоl"),
        ("my acme phone died again at the gate", "my acme phone di…"),
        ("we were stuck in Charlotte all night", "we were stuck in Charl"),
        ("Acme lost my grandmother's violin", "Acme lots my grandmothers violin"),
        ("Acme lost my grandmother's violin", "and Acme lost my grandmother's violin"),
    ],
)
def test_a_short_text_is_a_copy_when_it_tells_enough(original: str, copy: str) -> None:
    finder = CopyFinder()
    finder.add("1", original)
    assert finder.add("2", copy) == "1"


@pytest.mark.parametrize(
    "common",
    [
        "Happy birthday!",
        "can't wait for tomorrow",
        "good morning everyone",
        "muchas gracias",
        "worst airline",
        "ありがとう",
    ],
)
def test_a_common_phrase_is_nobodys_copy_nor_the_beginning_of_others(common: str) -> None:
    finder = CopyFinder()
    finder.add("1", common)
    assert finder.add("2", common) is None
    assert finder.add("3", f"{common} my cousin sends her love from the seaside, it rains all day") is None


def test_what_everybody_in_a_stream_says_tells_less() -> None:
    finder, text = CopyFinder(), "acme gate B17 fire lol"
    finder.add("first", text)
    assert finder.add("copy", text) == "first"
    finder.add_many([(f"{n}", f"acme gate fire {n} b17 {n * n} lol and {n * 7}") for n in range(1_000)])
    assert finder.add("again", text) is None


def test_words_are_worth_what_the_table_and_the_stream_say() -> None:
    alone = (Stream(), Stream())
    assert sum(worth("thank you so much", alone)) < 20 < 45 < sum(worth("acme gate b17 fire", alone))
    assert len(worth("thank you", alone)) == len("thank you")
    crowd = Stream()
    for _ in range(PRIOR):
        crowd.meet("gate")
    assert sum(worth("gate", (crowd, Stream()))) == pytest.approx(1, abs=0.01)
    assert familiar("can you help me")
    assert not familiar("kannst du mir helfen")
    assert 0 < table()["the"] < 1


@pytest.mark.parametrize("disguised", ["Воусott Acme!".replace("В", "B"), "Boycott Аcme!", "thаnk you"])
def test_who_disguises_a_short_text_copies_it(disguised: str) -> None:
    finder = CopyFinder()
    finder.add("1", "Boycott Acme!")
    finder.add("2", "thank you")
    assert finder.add("3", disguised) in ("1", "2")
    assert finder.add("4", "Boycott Acme!") is None


@pytest.mark.parametrize(
    ("left", "written", "copied"),
    [
        ("you are rea", "@acme you are rea", True),
        ("you are really", "@acme you are really…", True),
        ("you are really", "@acme you are really...", False),
        ("you are really", "@acme you are really", False),
        ("you are", "@acme you are…", False),
    ],
)
def test_a_few_words_that_were_cut_off_are_left_of_the_only_text_that_begins_so(
    left: str, written: str, copied: bool
) -> None:
    post = Compared(left, written, (Stream(), Stream()))
    others = ["you are my favourite airline", "you are really trying me today"]
    assert post.cut_from(others) == (1 if copied else None)
    assert post.cut_from([*others, "you are really the kindest people on this island"]) is None


def test_what_is_left_of_a_common_phrase_is_found() -> None:
    finder = CopyFinder()
    finder.add("1", "can you help me with this please")
    assert finder.add("2", "@acme can you he") == "1"


def test_a_letter_too_many_does_not_make_a_number_another_one() -> None:
    finder = CopyFinder()
    finder.add("1", "awesome new plane flight 1701")
    assert finder.add("2", "awesome new plane fltight 1701") == "1"


TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(ORIGINAL.split()), min_size=3, max_size=20).map(" ".join),
    st.integers(0, len(ORIGINAL)).map(lambda end: ORIGINAL[:end]),
)


@given(
    st.lists(TEXTS, max_size=25),
    st.integers(0, 25),
    st.sampled_from([2, 5, 9, 1000]),
    st.sampled_from([1, 3, candidates.BLOCK]),
)
@settings(max_examples=30, deadline=None)
def test_together_one_by_one_and_after_a_restart_the_answers_are_the_same(
    texts: list[str], cut: int, keep: int, block: int
) -> None:
    posts = [(str(number), text) for number, text in enumerate(texts)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "BLOCK", block)
        single = CopyFinder(keep)
        expected = [single.add(*post) for post in posts]
        assert CopyFinder(keep).add_many(posts) == expected
        first = CopyFinder(keep)
        answers = first.add_many(posts[:cut])
        second = CopyFinder.load(json.loads(json.dumps(first.dump())))
        assert answers + second.add_many(posts[cut:]) == expected


@pytest.mark.parametrize("keep", [900, 5_000])
def test_a_copy_is_found_however_long_ago_its_original_was_among_those_remembered(keep: int) -> None:
    finder = CopyFinder(keep)
    others = [
        (f"other {n}", f"post {n * n} of the {n % 89} people who waited at gate {n % 7} {n:x}") for n in range(2_200)
    ]
    finder.add("first", ORIGINAL)
    for start in range(0, len(others), 100):
        finder.add_many(others[start : start + 100])
        assert finder.add(f"copy {start}", ORIGINAL.replace("machine", chr(97 + start // 100) * 6)) == "first"
    state = json.loads(json.dumps(finder.dump()))
    assert json.loads(json.dumps(CopyFinder.load(state).dump())) == state


def test_who_copies_in_a_crowd_of_copies_is_found() -> None:
    finder = CopyFinder()
    words = ORIGINAL.split()
    copies = [
        (f"{number}", " ".join([*words[: number % 16], f"word{number}", *words[number % 16 + 1 :]]))
        for number in range(600)
    ]
    assert set(finder.add_many([("first", ORIGINAL), *copies])) == {None, "first"}


def test_the_oldest_are_forgotten_but_not_what_is_still_copied() -> None:
    finder = CopyFinder(keep=10)
    finder.add("first", ORIGINAL)
    names = "abcdefghijklmnopqrstuvwxyz"
    words = [letter * 6 for letter in names]
    for number, word in enumerate(words):
        finder.add(word, " ".join(f"{word}{other}{word}" for other in words[number::3]))
        if number % 3 == 0:
            assert finder.add("copy", ORIGINAL) == "first"
    state = finder.dump()
    assert len(state["old"]) + len(state["new"]) <= 10
    assert finder.add("again", " ".join(f"{words[0]}{other}{words[0]}" for other in words[0::3])) is None


def _apart(drawn: Sketches) -> list[list[int]]:
    hashes = iter(drawn.hashes.tolist())
    return [[next(hashes) for _ in range(count)] for count in drawn.counts.tolist()]


def test_sketches_are_the_same_in_every_process() -> None:
    script = "from crisis.sketch import sketches; print(sketches(['acme sold us a machine', 'コーヒーメーカー'])[0].tolist())"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == str(sketches(["acme sold us a machine", "コーヒーメーカー"]).hashes.tolist())
    drawn = _apart(sketches(["acme sold us a machine"]))[0]
    assert drawn[BEGINNINGS:][:3] == [1253051045599, 2559739353268, 2964862633667]
    texts = ["a" * 100, ORIGINAL, "", "short"]
    assert [len(each) for each in _apart(sketches(texts))] == [BEGINNINGS + 1, BEGINNINGS + KEYS, 0, 0]


@given(st.lists(st.one_of(st.text(max_size=40), st.text(st.sampled_from("ab は"), max_size=80)), max_size=6))
@settings(deadline=None)
def test_one_text_by_itself_has_the_sketch_it_has_among_others(texts: list[str]) -> None:
    assert [_apart(sketches([text]))[0] for text in texts] == _apart(sketches(texts))


@given(st.text("abc ", min_size=8, max_size=30), st.text("abc ", max_size=30))
def test_texts_that_begin_alike_share_the_hashes_of_their_beginnings(one: str, rest: str) -> None:
    longer = one + rest
    first, second = _apart(sketches([one, longer]))
    assert first[0] == second[0]
    assert (first[1] == second[1]) is (one[:20] == longer[:20])


def test_hostile_texts_are_taken_in_bounded_time_and_memory() -> None:
    finder = CopyFinder()
    for number, text in enumerate(
        ["", "\x00", "\ud800" * 50, "RT @" * 50_000, "a" * 1_000_000, "\u202e", "@a " * 300_000]
    ):
        finder.add(str(number), text)
    assert all(len(text) <= 2000 for _, text, _ in finder.dump()["new"])
    assert len(plain("x " * 500_000)) <= 2000


def test_a_near_copy_has_the_fingerprint_of_its_original_also_after_a_restart() -> None:
    originals = Originals()
    first = originals.fingerprint(ORIGINAL)
    assert first == fingerprint(ORIGINAL)
    restored = Originals.load(json.loads(json.dumps(originals.dump())))
    for known in (originals, restored):
        assert known.fingerprint(ORIGINAL.replace("machine", "kettle")).value == first.value
        assert known.fingerprint("thank you!") == fingerprint("thank you!")


@pytest.mark.parametrize("gone", [0, 4, 19])
def test_what_is_forgotten_leaves_the_rest_known_and_nothing_of_its_block(gone: int) -> None:
    texts = [
        f"The {n * 7919} people of town {n * 104_729} wait for {n * 1_299_709} trains in the rain" for n in range(20)
    ]
    copies = [texts[5].replace("people", f"{word} folk") for word in ("old", "new", "bad", *"abcdefg")]
    originals = Originals()
    originals.fingerprints([*texts, *copies])
    assert any(isinstance(text, str) for text in originals.dump()["block"])
    originals.forget({texts[gone], *originals.held()[-1:]})
    left = json.dumps(originals.dump())
    assert plain(texts[gone]) not in left
    assert plain(copies[-1]) not in left
    known = [n for n in range(20) if n != gone]
    marks = originals.fingerprints([texts[n].replace("trains", "the trains") for n in known])
    assert [original for _, original in marks] == [fingerprint(texts[n]).value for n in known]


@pytest.mark.parametrize(
    ("one", "other", "copied"),
    [
        ("Stuck in Denver for six hours, nobody helps", "Stuck in Oslo for six hours, nobody helps", False),
        ("Fizzo says the outage that hit customers is resolved", "Lumen says the outage that hit customers is resolved", False),
        ("Stuck in Denver for six hours, nobody helps", "stuck in denver for six hours, nobody helps", True),
        ("Stuck in Denver for six hours, nobody helps", "Stuck in Dnever for six hours, nobody helps", True),
        ("Stuck in Denver for six hours, nobody helps", "Stuck in there for six hours, nobody helps", True),
        ("We were stuck in Charlotte all night and nobody came", "We were stuck in Charlotte all night and nob", True),
    ],
)  # fmt: skip
def test_texts_that_name_others_are_different_texts(one: str, other: str, copied: bool) -> None:
    finder = CopyFinder()
    finder.add("one", one)
    assert (finder.add("other", other) == "one") is copied
    assert (CopyFinder.load(json.loads(json.dumps(finder.dump()))).add("again", one) == "one") is True


@given(st.text(max_size=60))
def test_what_is_compared_are_letters_and_digits_whatever_stands_between_them(text: str) -> None:
    folded = flat(text)
    if "@" not in text and "://" not in folded and "www." not in folded:
        assert plain(text) == " ".join(re.findall(r"[^\W_]+", folded))


def test_of_a_long_stream_a_sample_of_the_texts_tells_how_common_a_word_is() -> None:
    stream = Stream()
    for number in range(10_000):
        stream.meet("gate fire" if number % 5 == 0 else "gate")
    assert ALL <= stream.texts < 10_000
    assert stream.counts["gate"] == stream.texts
    assert stream.counts["fire"] / stream.texts == pytest.approx(0.2, abs=0.01)
