"""The day that an address names."""

from __future__ import annotations

from datetime import date

import pytest

from dedup.address import named_day

TWELFTH_OF_MAY = date(2031, 5, 12).toordinal() - date(1970, 1, 1).toordinal()


@pytest.mark.parametrize(
    "path",
    [
        "/2031/05/12/ferries-resume",
        "/news/2031/5/12/ferries-resume.html",
        "/politics/2031/may/12/ferries-resume",
        "/2031/May/12/ferries-resume",
        "/ferries-resume-2031-05-12/",
        "/ferries_2031_05_12.html",
        "/archive/20310512/ferries",
        "/story/20310512-ferries.html",
        "/2031/05/12",
        "/2031/13/12/2031/05/12/",
        "/2031/02/30/2031/05/12/",
        "/2031/05/12/on-2031-06-01-ferries-resume",
    ],
)
def test_the_first_day_of_the_calendar_in_the_path_is_the_one_it_names(path: str) -> None:
    assert named_day(f"https://ferries.example{path}") == TWELFTH_OF_MAY


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://ferries.example/",
        "https://ferries.example/2031/05/ferries-resume",
        "https://ferries.example/ferries-resume?on=2031-05-12",
        "https://ferries.example/ferries-resume#2031-05-12",
        "https://2031-05-12.example/ferries-resume",
        "https://ferries.example/12/05/2031/ferries-resume",
        "https://ferries.example/2031/05-12/ferries-resume",
        "https://ferries.example/article-120310512",
        "https://ferries.example/article-203105124",
        "https://ferries.example/2031512",
        "https://ferries.example/1831/05/12/the-first-steamer",
        "https://ferries.example/2031/02/30/",
        "https://[ferries.example/2031/05/12/",
    ],
)
def test_other_addresses_name_no_day(address: str) -> None:
    assert named_day(address) is None
