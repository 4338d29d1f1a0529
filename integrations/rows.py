"""Rows of CSV, JSON lines and Parquet files, each with its line; what cannot be split is reported, not raised."""

import codecs
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from integrations.outcomes import Misconfigured

LONGEST_FIELD = 16 * 2**20
"""Longest CSV field in bytes; a longer one is nearly always a quotation mark that is never closed."""
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Rows:
    """Rows of one file, as ``(line, values by column)``; a row that cannot be split is reported, not raised."""

    def __init__(self, path: Path, report: Callable[[int, str], None]) -> None:
        self.path, self.report = path, report
        self.names: list[str] = []
        kinds = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
        self.kind = kinds[-1] if kinds else ""
        if self.kind not in (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"):
            raise Misconfigured(f"{path}: only .csv, .tsv, .jsonl, .ndjson (also .gz) and .parquet files can be read")
        if path.is_dir():
            raise Misconfigured(f"{path}: is a folder; name one file in it")
        if not path.is_file():
            raise Misconfigured(f"{path}: there is no such file")

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            if self.kind == ".parquet":
                yield from self._parquet()
                return
            with self._open() as raw:
                if raw.read(2) in _UTF_16:
                    raise Misconfigured(f"{self.path}: is UTF-16 text; save it as UTF-8")
                raw.seek(0)
                yield from self._csv(raw) if self.kind in (".csv", ".tsv") else self._jsonl(raw)
        except (OSError, EOFError) as error:
            raise Misconfigured(f"{self.path}: cannot be read ({error})") from None

    def _open(self) -> IO[bytes]:
        if self.path.suffix.lower() == ".gz":
            return gzip.open(self.path, "rb")  # type: ignore[return-value]
        return self.path.open("rb")

    def _csv(self, raw: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
        csv.field_size_limit(LONGEST_FIELD)
        with io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline="") as text:
            head = text.readline()
            delimiter = "\t" if self.kind == ".tsv" else max(",;\t|", key=head.count)
            self.names = [name.strip() for name in next(csv.reader([head], delimiter=delimiter), [])]
            if not head.strip():
                raise Misconfigured(f"{self.path}: is empty; its first line must name the columns")
            rows, start = csv.reader(text, delimiter=delimiter), 1
            while True:
                line = start + 1
                try:
                    values = next(rows)
                except StopIteration:
                    return
                except csv.Error as error:
                    self.report(line, f"{error}; is a quotation mark never closed?")
                    start = rows.line_num + 1
                    continue
                start = rows.line_num + 1
                if not values:
                    continue
                if len(values) != len(self.names):
                    says = f"{len(values)} fields where the first line names {len(self.names)}"
                    self.report(line, says + "; texts that hold the separator need quotation marks")
                    continue
                yield line, dict(zip(self.names, values, strict=True))

    def _jsonl(self, raw: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
        import msgspec

        decode = msgspec.json.Decoder().decode
        for number, line in enumerate(raw, 1):
            if not line.strip():
                continue
            try:
                value = decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                try:
                    value = json.loads(line.decode("utf-8-sig", "replace"))
                except (ValueError, RecursionError):
                    self.report(number, "this is no JSON object")
                    continue
            if not isinstance(value, dict):
                self.report(number, f"an object is needed, not {type(value).__name__}")
                continue
            yield number, value

    def _parquet(self) -> Iterator[tuple[int, dict[str, Any]]]:
        import pyarrow
        import pyarrow.parquet

        try:
            with pyarrow.parquet.ParquetFile(self.path) as file:
                self.names = list(file.schema_arrow.names)
                number = 0
                for batch in file.iter_batches(batch_size=4096):
                    for row in batch.to_pylist():
                        number += 1
                        yield number, row
        except pyarrow.ArrowException as error:
            raise Misconfigured(f"{self.path}: is no Parquet file ({error})") from None
