"""What dividing stories rests on: the parameters."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FormParams:
    """When a story is no story, but reports of one form."""

    min_articles: int = 8
    """Articles of a story that is asked."""
    min_theme: float = 0.3
    """How well its best words set a story apart from all other articles: the F1 of "says the word" as a test for it,
    mean of the best three. Reports of one form share their words with all of that form."""
    many: int = 40
    min_theme_of_many: float = 0.42
    """The same of so many articles: so large a story is an event with words of its own."""
    min_reports: int = 20
    max_agreement: float = 0.22
    min_slots: float = 2.5
    """So many reports fill the same slots, this many in common on average, with other numbers: no larger share of them
    agrees. (Rounds of one storyline do so, too, but are fewer.)"""
    n_sampled: int = 40
    """Articles of a story whose slots are compared."""


@dataclass(frozen=True)
class EventParams:
    """When a story is two events of one kind."""

    min_side: int = 3
    """Articles that make an event among like ones."""
    max_ratio: float = 0.25
    """Similarity between two sides, over the one within them, up to which they are two events."""
    max_tightness: float = 3.0
    """How much more alike the articles of one side may be than those of the other: an event is told from many angles,
    and a side that is much more alike is one of them, told again round by round (pairs of events: up to 2.1)."""
    min_signature: float = 0.46
    """How surely the most telling words tell the sides apart: the share of one side that says them less that of the
    other, mean of both sides."""
    fact_boost: float = 3.0
    """How much more names and numbers count than other words where sides are sought."""
    plain_share: float = 0.65
    """What a word that is no name and no number counts in a signature."""
    too_common: float = 0.8
    """Words of a larger share of a story's articles are its theme, and tell nothing apart within it."""
    largest: int = 1500
    """Articles compared with each other at once; a larger story is left as it is."""


@dataclass(frozen=True)
class PlacingParams:
    """What two articles share or do not, in nats for and against their being on one round: the weights of one logistic
    model over all pairs of articles of 11 sets of storylines, near to what it finds with any one of them left out.
    """

    number: float = 1.0
    missed_number: float = 0.3
    """A number that few texts have, and one that both could share and do not..."""
    common: float = 0.1
    missed_common: float = 0.1
    """... the same of small numbers and years..."""
    slot: float = 0.5
    other_slot: float = 0.33
    """... a slot filled alike, and one filled otherwise..."""
    weekday: float = 0.7
    other_weekday: float = 0.8
    month: float = 0.5
    other_month: float = 0.2
    """... a weekday or a month that both say, and that they say others..."""
    ordinal: float = 2.2
    other_ordinal: float = 2.2
    """... and what both count in title or first sentence, whatever it is that they count."""


@dataclass(frozen=True)
class RoundParams:
    """Which articles of a storyline, some of them undated, tell one round."""

    smallest: int = 4
    largest: int = 60
    """Articles in a story that is asked for rounds."""
    outsider: float = -1.7
    """How well an article belongs to a story under which it is left out of it: the logarithms of its similarity to the
    others and of what it says of their theme, both over the median article's, and of its similarity to the two most
    like it, added."""
    stranger: float = -0.9
    """The same under which it is of a round only if the facts are sure."""
    theme_share: float = 0.25
    """Share of the articles that say what is the theme of a story, names and other words."""
    min_cover: float = 0.15
    """Share of the articles that must say which round they tell, for ordinals to count..."""
    max_support: float = 12.0
    """... and the articles there may be for each that does, in each round."""
    max_agreement: float = 0.45
    """Share of common slots filled alike by articles that say they are of different rounds: if more, what they count
    is no rounds."""
    max_pooled_agreement: float = 0.62
    """The same of any two articles of the story, with ordinals to say so..."""
    likeness: float = 1.3
    """Unless most articles say their round, and those that say the same are so much more alike than others."""
    number_again: float = 0.35
    number_elsewhere: float = 0.1
    """Chance that a number of an article is in one of its round, and in one of another: 1.25 nats for each shared, .33
    against for each that is not (measured on 7 sets; the same by .65 and .9 to the power of numbers)..."""
    common_again: float = 0.3
    common_elsewhere: float = 0.2
    """... the same of small numbers and years..."""
    weekday_nats: float = 1.3
    other_weekday_nats: float = 0.7
    slot_nats: float = 0.65
    """... what a weekday that both say counts, or that they say others, and a slot filled alike or otherwise."""
    few: int = 20
    """Articles among which numbers alone tell rounds: among more some do by chance..."""
    max_likeness: float = 0.45
    """... and the mean log odds of two of them from which they tell one."""
    anchor_nats: float = 1.5
    """What a choice of anchors has to bring, times the logarithm of how many choices there were."""
    number_weight: float = 12.0
    name_weight: float = 6.0
    weekday_weight: float = 20.0
    """What numbers, names and weekdays count as facts, beside other words..."""
    unknown_articles: float = 30.0
    """... which count less in a small window, where no frequency tells the rare ones."""
    min_facts: float = 0.15
    sure_facts: float = 0.9
    """Evidence under which an article is of no round, and from which it is of one, however little else it shares."""
    placing: PlacingParams = field(default_factory=PlacingParams)
    """What an article shares with each of a round's anchors, or does not..."""
    shared_weight: float = 0.5
    """... and how much of it counts beside their facts, numbers being among both..."""
    least_evidence: float = 0.06
    """... which are taken for so much where there are none."""
    recall_odds: float = 5.0
    """How much likelier an article that points back is of a later round than of the first (.32 against .06)."""
    weekday_odds: float = 4.0
    """How much likelier of a round whose weekday it says, if it says one."""
    contradiction_odds: float = 1.6
    """The same for each slot it fills otherwise than the round's anchors, less those it fills alike."""
    said_odds: float = 2.0
    """How much likelier of a round whose ordinal it says further down."""
    min_similarity: float = 0.7
    """Similarity of an undated article to a dated story it may be of..."""
    min_cohesion: float = 0.5
    """... also over the similarity within that story..."""
    nats: float = 10.0
    """... weighed facts that count as much as one nat of other evidence..."""
    min_odds: float = 1.5
    """... and how much likelier than the next the likeliest story must be."""
    address_days: float = 2.0
    """Days between the one that an article's address names and the nearest article of a story, up to which it may be of
    that story..."""
    address_similarity: float = 0.4
    """... if it is so similar to it, and by `min_cohesion`."""
    doubted_days: float = 3.0
    """Days between its own date and the one that its address names, from which the date is taken for a wrong one: of
    7,863 articles of a real stream whose addresses name a day, 7,857 are dated within a day and a half of it, the
    others within three."""
