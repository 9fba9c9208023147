"""Stories divided: reports of one form, events of one kind, rounds without dates; and what nothing tells apart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from dedup.cluster import in_order
from dedup.episode import EpisodeParams, EventParams, FormParams, RoundParams, Words
from dedup.episode.events import split_events
from dedup.pipeline import DAY_SECONDS, Params, Telling, cluster_window
from tests.reading import terms_of

NEVER = 1_000_000
"""More articles than any story here has."""
NO_ROUNDS = RoundParams(smallest=NEVER)
WITHOUT_ROUNDS = Params(episode=EpisodeParams(round=NO_ROUNDS))
WITHOUT_FORMS = Params(episode=EpisodeParams(form=FormParams(min_articles=NEVER, min_reports=NEVER), round=NO_ROUNDS))
WITHOUT_EVENTS = Params(episode=EpisodeParams(event=EventParams(min_side=NEVER), round=NO_ROUNDS))

DAM = (
    "The wall of the Orlova dam gave way before dawn", "Rescuers took 400 people off roofs in Belmont by boat",
    "Kestrel was under 3 metres of water by noon", "Governor Ilse Marn said a crack was found on Friday",
    "The turbines had been stopped 2 days before", "Engineer Tadeo Ruiz had warned of leaks in the Orlova dam",
    "The valley below Belmont stays closed for 6 weeks", "Soldiers brought 90 tents to Kestrel",
    "Some 12 people are missing in Belmont", "The Orlova power station fed 30,000 homes",
)  # fmt: skip
QUAKES = (
    "An earthquake shook the island of Tamresh", "Residents ran out of houses as walls cracked",
    "The seismic institute measured the quake on its island stations",
    "Schools on the island stay shut until engineers have looked at the walls",
    "The quake was felt on all of the island, and the governor of Tamresh asked for calm",
    "Aftershocks are expected, the seismic institute said",
    "The island of Tamresh has an earthquake of this kind every few years",
    "Rescuers looked through houses with cracked walls",
)  # fmt: skip
OF_A_QUAKE = (
    (
        "Its centre lay under Porto Vell at a depth of 14 kilometres",
        "The clock tower of Porto Vell fell on the Alvarez bakery",
        "Mayor Ines Calder of Porto Vell opened the Alvarez stadium for 600 people",
        "Magnitude was 6.4 off Porto Vell, and Calder spoke of 23 injured",
    ),
    (
        "Its centre lay under Monte Bruno at a depth of 31 kilometres",
        "The cable car of Monte Bruno stopped above the Sorin quarry",
        "Mayor Luca Ferrant of Monte Bruno opened the Sorin barracks for 900 people",
        "Magnitude was 5.1 under Monte Bruno, and Ferrant spoke of 47 injured",
    ),
)
FIRST_ROUND = (
    (
        "Karvelia and Tamresh met in Vessin on Friday for a first round of talks. Minister Oren Halvik and "
        "general Tas Merun agreed to exchange 1,000 prisoners. The session in the old customs house lasted 2 "
        "hours. Envoy Petra Lindqvist carried the lists across the Hadrin river."
    ),
    (
        "The first round of talks between Karvelia and Tamresh ended in Vessin with an exchange of prisoners and "
        "no truce along the Hadrin. Oren Halvik called it a beginning. Envoy Petra Lindqvist keeps the lists of "
        "the 1,000 men from each side."
    ),
    (
        "Families of prisoners stood outside the customs house in Vessin on Friday as Tas Merun and Oren Halvik "
        "left. Petra Lindqvist held up the lists of names of soldiers from Karvelia and Tamresh. Nobody spoke of "
        "a truce along the Hadrin."
    ),
    (
        "Prisoners of both sides will walk over the Hadrin bridge, says envoy Petra Lindqvist, who wrote the "
        "lists in Vessin. Minister Oren Halvik of Karvelia and general Tas Merun of Tamresh parted without a "
        "truce after 2 hours on Friday."
    ),
)
SECOND_ROUND = (
    (
        "Karvelia and Tamresh met in Vessin on Monday for a second round of talks. Minister Oren Halvik and "
        "general Tas Merun traded memorandums on a ceasefire. The session in the old customs house lasted 70 "
        "minutes. Translator Goran Basic collapsed, and bodies of 6,000 fallen men will go home across the Hadrin "
        "river."
    ),
    (
        "The second round of talks between Karvelia and Tamresh ended in Vessin with memorandums and no truce "
        "along the Hadrin. Tas Merun offered a pause to gather the fallen. Bodies of 6,000 men are to be handed "
        "over, as translator Goran Basic read out."
    ),
    (
        "Translator Goran Basic was carried out of the customs house in Vessin on Monday as Tas Merun and Oren "
        "Halvik read memorandums. Bodies of the fallen of Karvelia and Tamresh will go home. Nobody signed a "
        "truce along the Hadrin."
    ),
    (
        "Morgues along the Hadrin prepare for the fallen after memorandums were traded in Vessin. Minister Oren "
        "Halvik of Karvelia and general Tas Merun of Tamresh parted without a truce on Monday. Goran Basic, the "
        "translator, is in hospital."
    ),
)
ROUNDS = (*FIRST_ROUND, *SECOND_ROUND)
OF_A_RECALL = (
    (
        (
            "The Hartmoor works in Lund called back 84,000 prams of the type Velo. Director Dana Russe spoke of "
            "137 wheels that came loose, and of bolts that were too short."
        ),
        (
            "Owners of a Velo from Hartmoor get a bag with bolts by post. There are 84,000 of these prams, says "
            "Dana Russe in Lund, and 137 complaints."
        ),
        (
            "Shares of Hartmoor fell when the works in Lund said that 84,000 prams of the type Velo lose wheels. "
            "Dana Russe puts the cost of bolts at 512 crowns each."
        ),
        (
            "The safety office has 137 letters about wheels of the pram Velo. Hartmoor of Lund sends bolts, which "
            "cost 512 crowns, and Dana Russe asks for patience."
        ),
    ),
    (
        (
            "Every pram of the type Velo must come back, 310,000 of them, said the safety office in Lund. The "
            "fork breaks. Hartmoor pays 645 crowns for each, and Dana Russe resigned."
        ),
        (
            "A boy lies in hospital since the fork of his Velo broke. Hartmoor of Lund takes back 310,000 prams, "
            "and Dana Russe has gone. Parents get 645 crowns."
        ),
        (
            "To pay 645 crowns for a Velo, Hartmoor would need more than the works in Lund are worth. There are "
            "310,000 prams with such a fork. Banks met without Dana Russe."
        ),
        (
            "How to get 645 crowns for a Velo: send a photograph of the fork to Hartmoor in Lund. The safety "
            "office expects queues. Dana Russe did not answer."
        ),
    ),
    (
        (
            "A court in Lund closed the Hartmoor works and froze 77,300 crowns of Dana Russe. Of the prams of the "
            "type Velo 2,460 are still on the roads, the judge read out."
        ),
        (
            "The last Velo left the works in Lund, then guards locked them. Hartmoor owes 77,300 crowns to each "
            "bank, and Dana Russe keeps silent on the judge's order."
        ),
        (
            "Some 2,460 owners of a Velo will see no money, since a judge in Lund froze what Dana Russe and "
            "Hartmoor had."
        ),
        (
            "Creditors of Hartmoor, the maker of the pram Velo, shared 77,300 crowns before a judge in Lund. Some "
            "2,460 families asked where Dana Russe was."
        ),
    ),
)
RECAP = (
    "\n\nTwo weeks ago the first round in Vessin ended with an exchange of 1,000 prisoners. Envoy Petra Lindqvist "
    "carried the lists across the Hadrin river on Friday. The session lasted 2 hours."
)
SAME_PLACE = (
    "A ferry ran aground in the harbour of Vessin on Friday, and 200 passengers were taken off. The captain had been "
    "warned of fog on the Hadrin river, the port authority said. Divers look at the hull."
)


def stories(
    texts: Sequence[str],
    days: Sequence[float | None] | None = None,
    params: Params | None = None,
    named: Mapping[int, int] | None = None,
) -> list[int]:
    """The story of each text, published on these days, None where undated; `named`: the days that addresses name."""
    published = [None if day is None else day * DAY_SECONDS for day in days or [None] * len(texts)]
    terms = [replace(own, cues=replace(own.cues, day=(named or {}).get(i))) for i, own in enumerate(terms_of(texts))]
    tellings = [Telling(own, at) for own, at in zip(terms, published, strict=True)]
    labels: list[int] = cluster_window(tellings, params or Params()).labels.tolist()
    return labels


def reports(n_articles: int) -> list[str]:
    """Quarterly tables of as many companies."""
    dice = Random(n_articles)

    def number() -> str:
        return f"{dice.randint(10, 9999):,}"

    names = ["".join(dice.choices(["ba", "ko", "ri", "ste", "lun", "mar", "dos"], k=4)) for _ in range(n_articles)]
    return [
        f"{name.title()} Corp 4th qtr net. Shr {number()} cts vs {number()} cts. Net {number()} vs {number()}. Revs "
        f"{number()} vs {number()}. Avg shrs {number()} vs {number()}. Year shr {number()} cts. Net income {number()} "
        f"mln dlrs on sales of {number()} mln, assets {number()}."
        for name in names
    ]


def tellings_of(
    facts: Sequence[str], n_facts: int, n_articles: int, own: Sequence[str] = (), n_own: int = 0
) -> list[str]:
    """Articles that each tell some of these facts, in an order of their own, and something that nobody else tells."""
    dice = Random(f"{facts[0]}{own[:1]}{n_articles}")
    told = [[*dice.sample(facts, n_facts), *dice.sample(own, n_own)] for _ in range(n_articles)]
    return [f"{'. '.join(one)}. Reporter{id_of} saw colour{id_of} skies." for id_of, one in enumerate(told)]


def quake(which: int, n_articles: int) -> list[str]:
    return tellings_of(QUAKES, 6, n_articles, OF_A_QUAKE[which], 3)


def are(*sizes: int) -> list[int]:
    """The labels of stories of so many articles, one after the other."""
    return [story for story, size in enumerate(sizes) for _ in range(size)]


@pytest.mark.parametrize("day", [None, 0.0])
@pytest.mark.parametrize("n_articles", [20, 40])
def test_reports_of_one_form_are_no_story(n_articles: int, day: float | None) -> None:
    texts, days = reports(n_articles), [day] * n_articles
    assert stories(texts, days) == are(*[1] * n_articles)
    assert stories(texts, days, WITHOUT_FORMS) == are(n_articles)


@pytest.mark.parametrize("day", [None, 0.0])
@pytest.mark.parametrize("n_articles", [8, 20, 40])
def test_as_many_tellings_of_one_event_are_one_story(n_articles: int, day: float | None) -> None:
    assert stories(tellings_of(DAM, 6, n_articles), [day] * n_articles) == are(n_articles)


def test_reports_of_one_form_leave_the_story_beside_them_whole() -> None:
    found = stories([*reports(40), *tellings_of(DAM, 6, 10)])
    assert found == are(*[1] * 40, 10)


@pytest.mark.parametrize("day", [None, 0.0])
@pytest.mark.parametrize("n_articles", [4, 6, 12])
def test_two_events_of_one_kind_with_names_of_their_own_are_two_stories(n_articles: int, day: float | None) -> None:
    texts, days = quake(0, n_articles) + quake(1, n_articles), [day] * 2 * n_articles
    assert stories(texts, days) == are(n_articles, n_articles)
    assert len(set(stories(texts, days, WITHOUT_EVENTS))) == 1


@pytest.mark.parametrize("n_articles", [8, 12, 24])
def test_one_event_of_a_kind_is_not_divided(n_articles: int) -> None:
    assert stories(quake(0, n_articles), [0.0] * n_articles) == are(n_articles)


def test_one_article_with_names_of_its_own_is_no_event_among_others() -> None:
    assert stories([*quake(0, 8), *quake(1, 1)], [0.0] * 9) == are(9)


def test_a_side_much_more_alike_than_the_other_is_one_angle_told_again_and_no_event() -> None:
    """Ten articles with 3 names in common and other words by twos and threes, and three or ten with names of their
    own, of which the three say nothing else.
    """
    loose = [[0, 1, 2, *(3 + 7 * i + j for i in range(4) for j in (k % 7, (k + i + 1) % 7))] for k in range(10)]
    column = [[*range(50, 60)]] * 3
    assert n_events(loose + column, EventParams()) == 1
    assert n_events(loose + column, EventParams(max_tightness=100.0)) == 2
    assert n_events(loose + [[50 + word for word in said] for said in loose], EventParams()) == 2


def n_events(said: Sequence[Sequence[int]], params: EventParams) -> int:
    """In how many events articles are divided that say these words, all of them names."""
    rows = np.zeros((len(said), 100))
    for row, own in zip(rows, said, strict=True):
        row[list(own)] = len(own) ** -0.5
    every = np.ones(100, np.bool_)
    return len(split_events(np.arange(len(said)), Words(sparse.csr_matrix(rows), every, every, every * 1), params))


def test_a_story_of_events_of_one_kind_is_left_as_it_is_where_it_is_too_large() -> None:
    texts = quake(0, 6) + quake(1, 6)
    largest = Params(episode=EpisodeParams(event=EventParams(largest=11)))
    assert stories(texts, [0.0] * 12, largest) == are(12)


def test_rounds_without_dates_are_told_apart_by_what_each_tells() -> None:
    assert stories(ROUNDS) == are(4, 4)
    assert stories(ROUNDS, params=WITHOUT_ROUNDS) == are(8)


@pytest.mark.parametrize("place", [4, 5])
def test_a_recap_of_the_round_before_does_not_move_an_article_that_says_its_round(place: int) -> None:
    texts = list(ROUNDS)
    texts[place] += RECAP
    assert stories(texts) == are(4, 4)


def test_what_shares_only_the_place_is_of_no_round() -> None:
    assert stories([*ROUNDS, SAME_PLACE]) == are(4, 4, 1)


def test_rounds_that_nothing_tells_apart_stay_one_story() -> None:
    same = [*FIRST_ROUND, *(text.replace("first round", "long round") for text in FIRST_ROUND)]
    assert len(set(stories(same))) == 1


@pytest.mark.parametrize("rounds", [(0, 1), (1, 2), (0, 2), (0, 1, 2)])
def test_rounds_that_nobody_counts_are_told_apart_by_the_numbers_they_share(rounds: tuple[int, ...]) -> None:
    texts = [text for one in rounds for text in OF_A_RECALL[one]]
    assert stories(texts) == are(*[4] * len(rounds))
    assert stories(texts, params=WITHOUT_ROUNDS) == are(len(texts))


@pytest.mark.parametrize("one", OF_A_RECALL)
def test_one_round_is_not_divided_where_all_share_numbers(one: tuple[str, ...]) -> None:
    again = [text.replace("Velo", "Velo pram").replace(" said", " told us") for text in one]
    assert len(set(stories([*one, *again]))) == 1


def test_one_round_is_not_divided_by_what_is_yet_to_come() -> None:
    ahead = [f"{text} They will meet before a second round of talks." for text in FIRST_ROUND]
    assert stories([*FIRST_ROUND, *ahead]) == are(8)


def without_numbers(text: str, kept: Sequence[str] = ()) -> str:
    """The text without what tells two rounds apart by itself: figures, but for those kept, and weekdays."""
    bare = re.sub(r"\d[\d,]*", lambda number: number[0] if number[0] in kept else "many", text)
    return bare.replace("on Friday", "then").replace("on Monday", "then")


def without_ordinals(text: str) -> str:
    return re.sub("(a|the) (first|second) round of talks", "long talks", text, flags=re.IGNORECASE)


@pytest.mark.parametrize("announced", ["The second round of talks is on Thursday.", "No second round was agreed."])
def test_who_says_which_round_is_to_come_tells_the_one_before_it(announced: str) -> None:
    first = [without_numbers(without_ordinals(text)) for text in FIRST_ROUND]
    second = [without_numbers(text) for text in SECOND_ROUND]
    assert len(set(stories([*first, *second]))) == 1
    assert stories([f"{first[0]} {announced}", *first[1:], *second]) == are(4, 4)


@pytest.mark.parametrize("place", range(4))
def test_the_second_of_something_is_a_round_of_its_own_where_nobody_tells_the_first(place: int) -> None:
    first, second = (
        [f"{without_numbers(text, ('137', '512'))} It is a recall." for text in OF_A_RECALL[i]] for i in (0, 1)
    )
    assert len(set(stories([*first, *second]))) == 1
    second[place] = f"The second recall of prams began. {second[place]}"
    assert stories([*first, *second]) == are(4, 4)


def test_the_second_of_something_that_few_name_divides_nothing() -> None:
    first, second = ([without_numbers(text, ("137", "512")) for text in OF_A_RECALL[i]] for i in (0, 1))
    second[0] = f"A second ferry sank. {second[0]}"
    assert len(set(stories([*first, *second]))) == 1


def test_what_the_articles_placed_in_another_round_tell_as_well_places_nobody() -> None:
    """Envoy and lists are of the first round by its anchors, until it is seen who else tells of them."""
    envoy = "After hours Petra Lindqvist with her lists"
    of_second = (
        f"{envoy} of the talks in Vessin between Karvelia and Tamresh along the Hadrin river spoke of Goran Basic. "
        "Minister Oren Halvik and general Tas Merun left the customs house without a truce."
    )
    second = [*SECOND_ROUND[:2], *(f"{text} {envoy} stood by." for text in SECOND_ROUND[2:])]
    assert stories([*FIRST_ROUND, *second, of_second]) == are(4, 5)


def test_dates_tell_rounds_that_the_texts_do_not() -> None:
    days: list[float | None] = [*[0.0] * 4, *[17.0] * 4]
    assert stories([*FIRST_ROUND, *FIRST_ROUND], days) == are(4, 4)


@pytest.mark.parametrize("place", range(8))
def test_one_undated_article_goes_to_the_dated_round_it_tells(place: int) -> None:
    days: list[float | None] = [*[0.0] * 4, *[17.0] * 4]
    days[place] = None
    assert stories(ROUNDS, days) == are(4, 4)


def test_undated_rounds_go_to_the_rounds_of_which_one_article_is_dated() -> None:
    days: list[float | None] = [0.0, None, None, None, 17.0, None, None, None]
    assert stories(ROUNDS, days) == are(4, 4)


def test_an_undated_article_of_another_event_stays_alone_beside_dated_ones() -> None:
    days: list[float | None] = [*[0.0] * 4, *[17.0] * 4, None]
    assert stories([*ROUNDS, tellings_of(DAM, 6, 1)[0]], days) == are(4, 4, 1)


UNDECIDED = (
    "Minister Oren Halvik of Karvelia and general Tas Merun of Tamresh want a truce along the Hadrin river. The "
    "old customs house in Vessin is where Karvelia and Tamresh talk."
)
TWO_ROUNDS: list[float | None] = [*[0.0] * 4, *[17.0] * 4]


def test_an_undated_article_that_tells_of_no_round_more_than_of_another_stays_alone() -> None:
    assert stories([*ROUNDS, UNDECIDED], [*TWO_ROUNDS, None]) == are(4, 4, 1)


@pytest.mark.parametrize(("day", "story"), [(0, 0), (1, 0), (16, 1), (18, 1), (8, 2), (40, 2)])
def test_an_undated_article_goes_to_the_round_of_the_day_that_its_address_names(day: int, story: int) -> None:
    assert stories([*ROUNDS, UNDECIDED], [*TWO_ROUNDS, None], named={8: day})[8] == story


def test_an_undated_article_whose_address_names_another_day_is_not_of_the_round_it_tells() -> None:
    days = [*TWO_ROUNDS[:3], None, *TWO_ROUNDS[4:]]
    assert stories(ROUNDS, days, named={3: 8}) == [0, 0, 0, 1, 2, 2, 2, 2]


def test_an_undated_article_of_another_event_stays_alone_whatever_day_its_address_names() -> None:
    assert stories([*ROUNDS, tellings_of(DAM, 6, 1)[0]], [*TWO_ROUNDS, None], named={8: 17}) == are(4, 4, 1)


@pytest.mark.parametrize("place", range(8))
@pytest.mark.parametrize("wrong", [-40.0, 8.0, 40.0])
def test_an_article_whose_address_contradicts_its_date_is_of_the_day_of_its_address(place: int, wrong: float) -> None:
    days, named = [*TWO_ROUNDS[:place], wrong, *TWO_ROUNDS[place + 1 :]], {place: int(TWO_ROUNDS[place] or 0)}
    assert stories(ROUNDS, days, named=named) == are(4, 4)
    assert stories(ROUNDS, days) != are(4, 4)


def test_a_wrong_date_does_not_bring_an_article_into_the_round_of_that_day() -> None:
    assert stories([*FIRST_ROUND, *FIRST_ROUND], [*[0.0] * 3, 17.0, *[17.0] * 4], named={3: 0}) == are(4, 4)


def test_a_date_a_day_or_two_from_the_day_of_the_address_is_not_doubted() -> None:
    assert stories(ROUNDS, TWO_ROUNDS, named={**dict.fromkeys(range(4), 2), **dict.fromkeys(range(4, 8), 15)}) == are(
        4, 4
    )


def test_where_nothing_is_dated_addresses_tell_nothing() -> None:
    named = {i: i for i in range(8)}
    assert stories(ROUNDS, named=named) == stories(ROUNDS)


MIXED = [*ROUNDS, SAME_PLACE, *quake(0, 4), *quake(1, 4)]


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(len(MIXED))), st.sets(st.integers(0, len(MIXED) - 1)) | st.just(set(range(len(MIXED)))))
def test_the_order_of_articles_does_not_matter(order: list[int], undated: set[int]) -> None:
    days = [None if i in undated else day for i, day in enumerate([*[0.0] * 4, *[17.0] * 4, *[3.0] * 9])]
    found = np.empty(len(MIXED), np.int64)
    found[order] = stories([MIXED[i] for i in order], [days[i] for i in order])
    assert in_order(found).tolist() == stories(MIXED, days)


def test_nothing_is_divided_where_there_is_nothing_to_tell_it_apart_by() -> None:
    copies = ["Karvelia and Tamresh met in Vessin for talks along the Hadrin river"] * 30
    assert stories(copies) == are(30)
    assert stories([]) == []
    assert stories(["", ""]) == [0, 1]
