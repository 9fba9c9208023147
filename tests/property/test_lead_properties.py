"""What holds for the leads and cues of any texts."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dedup.cues import read_cues
from dedup.lead import read_leads
from dedup.text import normalise
from dedup.text import words as words_of

PIECES = (
    "the", "second", "round", "of", "talks", "Vessin", "Game", "5", "Q2", "twenty", "five", "two", "weeks", "ago",
    "last", "month", "before", "Friday", "214", "prisoners", "1,000", "6.4", "vor", "zwei", "Wochen", "тижні", "水。",
    "地震", "é", "о", "Gesprächen", "der", "die", "переговорів", "на", ".", "!", "?", "\n", "\n\n", "…", "(", "“", "ǅ",
    "İ", "ﬁ", "\ud800", "😀",
)  # fmt: skip
TEXT = st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join) | st.text(max_size=40)
ARTICLES = st.lists(st.tuples(st.just("") | TEXT, TEXT), max_size=6)
N_WORDS = 12


@given(ARTICLES)
def test_articles_read_together_are_read_as_each_alone(articles: list[tuple[str, str]]) -> None:
    def read(given: list[tuple[str, str]]) -> list[tuple[list[list[int]], bytes]]:
        titles, bodies = ([normalise(pair[side]) for pair in given] for side in (0, 1))
        leads = read_leads(titles, bodies, N_WORDS)
        cues, marks = read_cues(leads, [body for _, body in given])
        ends = np.cumsum(leads.counts)[:-1]
        flat = leads.words, leads.stems, leads.sentence, leads.paragraph, leads.is_stop, leads.is_number, marks
        parts = [[part.tolist() for part in np.split(one, ends)] for one in flat]
        return [([one[i] for one in parts], cues[i].to_bytes()) for i in range(len(given))]

    assert read(articles) == [alone for one in articles for alone in read([one])]


@given(ARTICLES)
def test_a_lead_is_the_first_words_and_sentences_lie_within_paragraphs(articles: list[tuple[str, str]]) -> None:
    titles, bodies = ([normalise(pair[side]) for pair in articles] for side in (0, 1))
    leads = read_leads(titles, bodies, N_WORDS)
    texts = [f"{title}\n{body}" for title, body in zip(titles, bodies, strict=True)]
    assert all(n <= len(words_of(text)) for n, text in zip(leads.counts.tolist(), texts, strict=True))
    for end, n in zip(np.cumsum(leads.counts).tolist(), leads.counts.tolist(), strict=True):
        sentence, paragraph = (np.diff(one[end - n : end], prepend=0) for one in (leads.sentence, leads.paragraph))
        assert 0 <= n <= N_WORDS
        assert set(sentence.tolist()) | set(paragraph.tolist()) <= {0, 1}
        assert not (paragraph > sentence).any()
