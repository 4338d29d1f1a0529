"""Charts are well-formed, self-contained, accessible, escaped, and fit the width they are asked for."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from crisis.charts import NARROW, WIDE, Mark, negative_share_chart, volume_chart
from crisis.triage import Signal

START = datetime(2026, 3, 1, 13, 50, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"
Chart = Callable[..., str]


def signals(count: int = 60, step: timedelta = timedelta(minutes=1)) -> list[Signal]:
    return [
        Signal(
            watch="acme",
            at=START + i * step,
            window=timedelta(minutes=15),
            mentions=i * 3,
            distinct_texts=i * 2,
            authors=i * 2,
            usual_authors=44.0,
            negative_share=min(1.0, i / count),
            usual_negative_share=0.23,
            started_at=START,
        )
        for i in range(count)
    ]


MARKS = [
    Mark(at=START + timedelta(minutes=20), label="Detected"),
    Mark(at=START + timedelta(minutes=20, seconds=10), label="Told"),
    Mark(at=START + timedelta(minutes=21), label="Published"),
    Mark(at=START + timedelta(minutes=58), label="Corrected"),
]

both = pytest.mark.parametrize("chart", [volume_chart, negative_share_chart])


@both
@pytest.mark.parametrize("width", [NARROW, 700, WIDE])
@pytest.mark.parametrize("count", [0, 1, 2, 5000])
def test_every_mark_and_label_lies_inside_a_well_formed_picture(chart: Chart, width: int, count: int) -> None:
    root = ET.fromstring(chart(signals(count, timedelta(seconds=10)), MARKS, width=width))
    height = float(root.get("height", "0"))
    assert root.get("viewBox") == f"0 0 {width} {height:g}"
    for shape in root.iter():
        for name in ("x", "x1", "x2", "cx"):
            assert 0 <= float(shape.get(name, "0")) <= width
        for name in ("y", "y1", "y2", "cy"):
            assert 0 <= float(shape.get(name, "0")) <= height


@both
def test_a_long_label_in_the_middle_of_a_phone_stays_inside(chart: Chart) -> None:
    label = "substantive: cannot tell"
    mark = Mark(at=START + timedelta(minutes=25), label=label)
    root = ET.fromstring(chart(signals(), [mark], width=NARROW))
    text = next(t for t in root.iter() if t.tag.endswith("text") and (t.text or "").startswith(label))
    assert text.get("text-anchor") == "start"
    assert float(text.get("x", "0")) + 6.2 * len(f"{label} 00:00") <= NARROW


@both
def test_it_tells_those_who_cannot_see_what_it_shows(chart: Chart) -> None:
    root = ET.fromstring(chart(signals(), MARKS))
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title")
    described = root.findtext(f"{SVG}desc") or ""
    assert "Published 2026-03-01 14:11 UTC" in described
    assert described in (root.get("aria-label") or "")


def test_the_volume_chart_names_the_peak_and_what_is_usual() -> None:
    described = ET.fromstring(volume_chart(signals())).findtext(f"{SVG}desc") or ""
    assert "The most were 118 at 2026-03-01 14:49 UTC, 98% of them negative; usual then were 44" in described


@both
def test_a_label_cannot_break_out_or_reorder(chart: Chart) -> None:
    hostile = "</text><script>alert(1)</script>\x00\u202e\"'&"
    drawn = chart(signals(), [Mark(at=START, label=hostile)])
    assert "<script" not in drawn
    assert "\x00" not in drawn
    assert "\u202e" not in drawn
    ET.fromstring(drawn)


@both
def test_nothing_comes_from_outside_and_nothing_runs(chart: Chart) -> None:
    drawn = chart(signals(), MARKS, standalone=True).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|url\(|href|<script|<image|<foreignObject|\son\w+=", drawn)


@both
def test_labels_of_close_moments_do_not_share_a_line(chart: Chart) -> None:
    root = ET.fromstring(chart(signals(), MARKS, width=NARROW))
    heights = {t.text.strip(): t.get("y") for t in root.iter(f"{SVG}text") if t.text and t.get("font-weight") == "600"}
    assert len({heights[m.label] for m in MARKS[:3]}) == 3


def test_long_records_are_thinned_but_keep_their_peak() -> None:
    many = signals(20_000, timedelta(seconds=10))
    drawn = volume_chart(many, width=NARROW)
    assert len(drawn) < 40_000
    assert f"{many[-1].authors:,}" in drawn


@both
def test_without_measurements_it_says_so(chart: Chart) -> None:
    assert "Nothing was measured" in chart([], MARKS)


def test_an_image_file_brings_its_own_ground_for_light_and_dark() -> None:
    assert "prefers-color-scheme:dark" in volume_chart(signals(), standalone=True)
    assert "<style" not in volume_chart(signals())
