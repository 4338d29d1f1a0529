"""One-time codes: good for one use, near their time, and never readable in the database."""

import asyncio
import sqlite3
from urllib.parse import parse_qs, urlparse

import pyotp
import pytest
from record_samples import kinds

from records import Store

NOON = 1_772_366_400.0
ANA = "ana@example.com"


@pytest.fixture
async def totp(store: Store) -> pyotp.TOTP:
    async with store.transaction() as tx:
        address = await tx.codes.enrol(ANA)
    return pyotp.TOTP(secret_of(address))


def secret_of(address: str) -> str:
    return parse_qs(urlparse(address).query)["secret"][0]


async def verify(store: Store, code: str, at: float = NOON, email: str = ANA) -> bool:
    async with store.transaction() as tx:
        return await tx.codes.verify(email, code, at=at)


async def test_a_code_works_once(store: Store, totp: pyotp.TOTP) -> None:
    code = totp.at(NOON)
    assert await verify(store, code)
    assert not await verify(store, code)
    assert not await verify(store, code, NOON + 29)


async def test_of_several_uses_at_once_one_works(store: Store, totp: pyotp.TOTP) -> None:
    used = await asyncio.gather(*(verify(store, totp.at(NOON)) for _ in range(6)))
    assert used.count(True) == 1


@pytest.mark.parametrize(("drift", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
async def test_a_clock_may_be_one_step_off(store: Store, totp: pyotp.TOTP, drift: int, good: bool) -> None:
    assert await verify(store, totp.at(NOON + drift)) is good


async def test_an_earlier_code_is_used_up_with_a_later_one(store: Store, totp: pyotp.TOTP) -> None:
    assert await verify(store, totp.at(NOON))
    assert not await verify(store, totp.at(NOON - 30))
    assert await verify(store, totp.at(NOON + 30))


async def test_a_code_is_read_with_the_space_that_authenticators_show(store: Store, totp: pyotp.TOTP) -> None:
    code = totp.at(NOON)
    assert await verify(store, f"{code[:3]} {code[3:]} ")


@pytest.mark.parametrize("code", ["", "000000x", "١٢٣٤٥٦", "\ud800", "0" * 10_000])
async def test_what_is_no_code_is_refused(store: Store, totp: pyotp.TOTP, code: str) -> None:
    assert not await verify(store, code)


async def test_another_persons_code_is_refused(store: Store, totp: pyotp.TOTP) -> None:
    async with store.transaction() as tx:
        await tx.codes.enrol("bo@example.com")
        assert await tx.codes.enrolled("bo@example.com")
        assert not await tx.codes.enrolled("nobody@example.com")
    assert not await verify(store, totp.at(NOON), email="bo@example.com")
    assert not await verify(store, totp.at(NOON), email="nobody@example.com")


async def test_enrolling_anew_ends_the_old_secret(store: Store, totp: pyotp.TOTP) -> None:
    async with store.transaction() as tx:
        await tx.codes.enrol(ANA, actor="admin@example.com")
    assert not await verify(store, totp.at(NOON))
    assert await kinds(store) == ["code.enrolled", "code.enrolled"]


async def test_a_rolled_back_use_did_not_happen(store: Store, totp: pyotp.TOTP) -> None:
    async def fail() -> None:
        async with store.transaction() as tx:
            assert await tx.codes.verify(ANA, totp.at(NOON), at=NOON)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await verify(store, totp.at(NOON))


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_the_secret_is_nowhere_in_the_database(store: Store, totp: pyotp.TOTP, url: str) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"))
    dump = "\n".join(connection.iterdump())
    connection.close()
    assert ANA in dump
    assert totp.secret not in dump
