"""What is taken out of a page before it is compared, and what is left in it."""

from __future__ import annotations

import pytest

from dedup.article import Article
from dedup.boilerplate import suspects, without_boilerplate
from dedup.pipeline import Params, find_families, prepare
from dedup.shingle import word_hashes
from dedup.text import normalise

NEWS = "The council voted on Tuesday to rebuild the bridge. Work begins in May and will take two years."


def cleaned(text: str) -> str:
    return without_boilerplate(normalise(text)).strip()


@pytest.mark.parametrize(
    "notice",
    [
        "Sign up for our daily newsletter and get the best stories in your inbox.",
        "Subscribe now to continue reading.",
        "We use cookies to improve your experience on this website.",
        "By clicking accept you agree to our terms of use.",
        "Already a subscriber? Log in to continue.",
        "Copyright 2025 Example Media. All rights reserved.",
        "This material may not be published, broadcast, rewritten or redistributed.",
        "Please enable JavaScript in your browser.",
        "Follow us on Facebook and Instagram.",
        "Share this article on WhatsApp.",
        "You have two free articles left this month.",
        "Alle Rechte vorbehalten.",
        "Wir verwenden Cookies auf dieser Seite.",
        "Abonnez-vous pour lire la suite.",
        "Todos los derechos reservados.",
        "Tutti i diritti riservati.",
        "Wszelkie prawa zastrzeżone.",
        "Tüm hakları saklıdır.",
        "Подписывайтесь на наш канал.",
        "Підписуйтесь на наш канал.",
        "جميع الحقوق محفوظة.",
        "版权所有，未经授权不得转载。",
        "無断転載を禁じます。",
    ],
)
def test_a_sentence_about_the_page_goes_and_the_news_stays(notice: str) -> None:
    assert cleaned(f"{NEWS}\n{notice}") == normalise(NEWS)
    assert cleaned(f"{notice}\n{NEWS}") == normalise(NEWS)
    assert cleaned(notice) == ""


def test_a_notice_in_the_middle_of_a_paragraph_goes_alone() -> None:
    first, second = NEWS.split(". ", 1)
    assert cleaned(f"{first}. Sign up for our newsletter. {second}") == normalise(NEWS)


@pytest.mark.parametrize(
    "line", ["Share", "Facebook", "Share on Twitter", "By Jane Doe", "Photo: A. Smith", "Advertisement", "3 comments"]
)
def test_buttons_and_bylines_of_their_own_line_go(line: str) -> None:
    assert cleaned(f"{line}\n{NEWS}") == normalise(NEWS)


def test_a_list_of_other_articles_goes_with_its_heading_and_ends_at_the_next_sentence() -> None:
    last = "The mayor spoke of a good day for the town."
    text = f"{NEWS}\nMost read\nStorm closes the port\nThree held after raid\n\n{last}"
    assert cleaned(text) == normalise(f"{NEWS}\n{last}")


@pytest.mark.parametrize(
    "sentence",
    [
        "The right to subscribe to one share at 140 francs was traded.",
        "The minister said the law on privacy would change.",
        "In this newsletter the bank expects rates to fall.",
        "Profit rose to 53 cents a share.",
        "The company said in a newspaper advertisement that the offer stands.",
        "He won a fair trial and walked free.",
        "Farmers are expected to sign up for the programme.",
        "Thousands read the letter, and more followed.",
        "The court ruled on the copyright of the song.",
        "She was asked to comment and declined.",
    ],
)
def test_news_that_uses_the_same_words_stays(sentence: str) -> None:
    assert cleaned(f"{sentence}\n{NEWS}") == normalise(f"{sentence}\n{NEWS}")


def test_a_sentence_that_runs_over_wrapped_lines_is_no_button() -> None:
    wrapped = "The company reported a profit for the quarter of 53 cents a\nshare. It said that it would go\non."
    assert cleaned(wrapped) == normalise(wrapped)


def test_texts_without_any_of_the_words_are_not_looked_at() -> None:
    texts = [normalise(NEWS), normalise("Sign up for our newsletter."), "", normalise("版权所有。")]
    assert suspects(*word_hashes(texts)) == [1, 3]


def test_pages_that_say_the_same_about_themselves_are_not_alike() -> None:
    notice = (
        "We use cookies and similar technologies on this site. By continuing you agree to our terms of use. Subscribe"
        " now to get unlimited access to all of our reporting. Sign up for our free daily newsletter, delivered to your"
        " inbox. Copyright 2025 Example Media. All rights reserved. This material may not be published or"
        " redistributed. Follow us on Facebook."
    )
    bodies = [
        "A storm closed the harbour for a second day.",
        "The team won by two goals to one away from home.",
        "Prices rose by three per cent in April, the office said.",
        "",
        "",
    ]
    articles = [Article(str(i), title=f"Headline {i}", text=f"{body}\n{notice}") for i, body in enumerate(bodies)]
    families = find_families(prepare(articles, Params()), Params())
    assert len(families) == len(articles)


def test_a_phrase_is_found_wherever_it_stands_and_however_long_its_sentence_is() -> None:
    notice = "Sign up for our newsletter."
    for n_words in (0, 1, 2, 3, 200):
        before = "word " * n_words
        assert cleaned(f"{NEWS}\n{before}{notice}") == normalise(NEWS)
        assert cleaned(f"{NEWS} {before}{notice}") == normalise(NEWS)
