"""Stories: HDBSCAN on the sparse graph is HDBSCAN on the matrix, and windows of any size and language make sense."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hdbscan import HDBSCAN
from numpy.typing import NDArray
from scipy import sparse

from dedup.cluster import ClusterParams, cluster_graph, in_order
from dedup.pipeline import DAY_SECONDS
from tests.reading import stories as window_stories

UNDATED = float("nan")

ENGLISH = {
    "dam": (
        (
            "The wall of the Orlova dam gave way before dawn, and the valley below was under three metres "
            "of water by noon. Rescuers took some 400 people off roofs in Belmont and Kestrel by boat. "
            "The governor said the turbines had been shut down on Friday after a crack was found."
        ),
        (
            "Four hundred residents of Belmont were lifted from roofs after the Orlova dam burst, "
            "flooding the valley under three metres of water. A crack in the wall was found on Friday and "
            "the turbines were stopped, the governor said."
        ),
        (
            "Boats reached Kestrel and Belmont on Monday, hours after the Orlova dam collapsed. Engineers "
            "had found a crack in its wall on Friday. The governor said the flooded valley would be "
            "closed for weeks."
        ),
    ),
    "strike": (
        (
            "Bus drivers in Porthaven walked out on Monday over a pay offer of two per cent, and the "
            "depots in Quay Street and Marsh Lane stayed shut. The drivers' union wants five per cent and "
            "a shorter week, and said that it would go on until Thursday."
        ),
        (
            "No buses ran in Porthaven as drivers went on strike for five per cent more pay. Pickets "
            "stood outside the Marsh Lane depot. The union rejected an offer of two per cent last week "
            "and has called out its members until Thursday."
        ),
    ),
    "chess": (
        (
            "Irina Vasko won the women's chess title at the age of seventeen, after a queen sacrifice in "
            "the last game that the audience greeted with applause. She is the youngest champion ever."
        ),
    ),
    "comet": (
        (
            "A comet discovered in March will be bright enough to see without a telescope next week, "
            "astronomers at the Mount Ansel observatory said. It last passed the Sun in the Bronze Age."
        ),
    ),
}
SHORT = (
    "He said on Monday that they would have it done by the end of the week, with new bridges over the Tarn.",
    "She said on Monday that it would be there by the end of the week, and the museum has to close for now.",
    "They said on Monday that the end of it was not there yet, with a vaccine against malaria to be tested.",
)
UKRAINIAN = {
    "міст": (
        (
            "У неділю вночі в Заріччі обвалився міст через річку Стугну, який будували дев'яносто років "
            "тому. На ньому стояли дві порожні вантажівки, водії встигли вистрибнути. Мерка Заріччя "
            "сказала, що опору підмила повінь."
        ),
        (
            "Старий міст через Стугну в Заріччі впав у ніч на понеділок разом із двома вантажівками. "
            "Водії живі. За словами мерки, опору підмила весняна повінь, а міст не ремонтували двадцять "
            "років."
        ),
    ),
    "театр": (
        "Театр ляльок у Полтаві показав нову виставу за казкою про лисичку, і квитки на неї розкупили за один день.",
    ),
    "пшениця": (
        "Фермери на півдні почали сіяти яру пшеницю на два тижні раніше, бо зима була теплою і земля вже підсохла.",
    ),
}
TURKISH = {
    "yangın": (
        (
            "Karahisar'daki mobilya fabrikasında çıkan yangın sekiz saatte söndürüldü. İtfaiye, depodaki "
            "vernik varillerinin patladığını, iki işçinin dumandan etkilendiğini açıkladı. Fabrika sahibi "
            "zararın büyük olduğunu söyledi."
        ),
        (
            "Karahisar'da bir mobilya fabrikasının deposu yandı. Vernik varilleri patlayınca yangın "
            "büyüdü; itfaiye alevleri ancak sekiz saat sonra söndürebildi. Dumandan etkilenen iki işçi "
            "hastanede."
        ),
    ),
    "maraton": ("Kıyı maratonunu bu yıl ilk kez bir öğretmen kazandı ve ödülünü öğrencileriyle birlikte aldı.",),
    "zeytin": (
        "Zeytin üreticileri bu yıl kuraklık yüzünden hasadın yarıya indiğini ve fiyatların artacağını bildirdi.",
    ),
}
CHINESE = {
    "地震": (
        "周一凌晨，青石县发生五点八级地震，震源深度十公里。县城两所小学的围墙倒塌，三百多名居民在体育场过夜，尚无人员死亡的报告。",
        "青石县周一凌晨地震，震级五点八级。两所小学围墙倒塌，三百多名居民夜宿体育场。救援队说，目前没有人员死亡。",
    ),
    "茶叶": ("春茶今年提前上市，茶农说雨水充足，叶子比去年更嫩，价格也高了两成。",),
    "电影": ("一部讲述渔民生活的纪录片在海边小镇首映，导演用了六年时间拍摄。",),
}


def stories(texts: list[str], days: list[float] | None = None) -> list[int]:
    """The story of each text published on these days, all undated if there are none."""
    published = [None if math.isnan(day) else day * DAY_SECONDS for day in days or [UNDATED] * len(texts)]
    return window_stories(texts, published)


def random_graph(n: int, seed: int, share: float) -> sparse.csr_matrix:
    """Random distances, no two alike, between a share of all pairs."""
    rng = np.random.default_rng(seed)
    distances = np.triu(rng.uniform(0.05, 0.95, (n, n)) * (rng.uniform(size=(n, n)) < share), 1)
    return sparse.csr_matrix(distances + distances.T)


def public_labels(graph: sparse.csr_matrix, params: ClusterParams) -> NDArray[np.int64]:
    """The same by the public class over the dense matrix, with the pair apart from all articles."""
    n = graph.shape[0]
    matrix = np.ones((n + 2, n + 2))
    edges = graph.tocoo()
    near = edges.data <= params.max_distance
    matrix[edges.row[near], edges.col[near]] = edges.data[near]
    matrix[n, n + 1] = matrix[n + 1, n] = np.nextafter(1, 0)
    np.fill_diagonal(matrix, 0)
    found = HDBSCAN(
        min_cluster_size=2,
        min_samples=1,
        metric="precomputed",
        cluster_selection_method=params.method,
        cluster_selection_epsilon=params.epsilon,
    ).fit(matrix)
    labels: NDArray[np.int64] = found.labels_
    return in_order(np.where(labels[:n] == labels[n], -1, labels[:n]))


EVERY_CUT = [ClusterParams(max_distance=1), ClusterParams("eom", max_distance=1), ClusterParams("leaf", 1, 0.3)]


@pytest.mark.parametrize("params", [*EVERY_CUT, ClusterParams("eom", 1, 0.3)])
def test_a_graph_of_all_pairs_gives_the_partition_of_the_public_class(params: ClusterParams) -> None:
    for seed in range(10):
        graph = random_graph(60, seed, share=1)
        assert cluster_graph(graph, params).tolist() == public_labels(graph, params).tolist(), seed


@pytest.mark.parametrize("share", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("params", [*EVERY_CUT, ClusterParams()])
def test_a_sparse_graph_gives_the_clusters_of_the_public_class(params: ClusterParams, share: float) -> None:
    """What falls away at distance 1 is a tie, which the public class adds to some cluster; here it is noise."""
    for seed in range(10):
        graph = random_graph(60, seed, share)
        expected, found = public_labels(graph, params), cluster_graph(graph, params)
        sizes = np.bincount(found)
        clustered = sizes[found] > 1
        assert in_order(expected[clustered]).tolist() == in_order(found[clustered]).tolist(), seed
        assert clustered.sum() > 0 or share < 0.05 or params.max_distance < 1


def test_windows_of_no_and_of_one_article() -> None:
    assert stories([]) == []
    assert stories(["A lone report about a lighthouse on the northern coast."]) == [0]
    assert stories([""]) == [0]


def test_two_tellings_alone_in_the_window_are_one_story() -> None:
    assert stories(list(ENGLISH["dam"][:2])) == [0, 0]
    assert stories(list(ENGLISH["strike"])) == [0, 0]


def test_two_copies_alone_in_the_window_are_one_story() -> None:
    assert stories([ENGLISH["comet"][0]] * 2) == [0, 0]


def test_three_tellings_alone_in_the_window_are_one_story() -> None:
    assert stories(list(ENGLISH["dam"])) == [0, 0, 0]


def test_a_small_window_is_told_apart() -> None:
    texts = [text for tellings in ENGLISH.values() for text in tellings]
    assert stories(texts) == [0, 0, 0, 1, 1, 2, 3]


@pytest.mark.parametrize("n_articles", [2, 3])
def test_function_words_join_nothing(n_articles: int) -> None:
    assert stories(list(SHORT[:n_articles])) == list(range(n_articles))


def test_function_words_join_nothing_among_ten_articles() -> None:
    texts = [*SHORT, *(text for tellings in ENGLISH.values() for text in tellings)]
    assert stories(texts) == [0, 1, 2, 3, 3, 3, 4, 4, 5, 6]


@pytest.mark.parametrize("articles", [UKRAINIAN, TURKISH, CHINESE])
def test_other_languages_are_told_apart_in_small_windows(articles: dict[str, tuple[str, ...]]) -> None:
    texts = [text for tellings in articles.values() for text in tellings]
    assert stories(texts) == [0, 0, 1, 2]
    assert stories(texts[1:]) == [0, 1, 2]
    assert stories(texts[:2]) == [0, 0]
    assert stories(texts[2:]) == [0, 1]


def test_the_order_of_articles_changes_no_story() -> None:
    texts = [text for tellings in ENGLISH.values() for text in tellings]
    found = stories(texts)
    backwards = stories(texts[::-1])[::-1]
    assert in_order(np.array(backwards)).tolist() == found


def test_the_same_words_weeks_later_are_another_story() -> None:
    first, second = ENGLISH["dam"][:2]
    assert stories([first, second], [0.0, 1.0]) == [0, 0]
    assert stories([first, second], [0.0, 17.0]) == [0, 1]


def test_one_undated_article_joins_its_story_and_leaves_the_others_their_dates() -> None:
    first, second, third = ENGLISH["dam"]
    assert stories([first, second, first, second], [0.0, 1.0, 20.0, 21.0]) == [0, 0, 1, 1]
    found = stories([first, second, first, second, third], [0.0, 1.0, 20.0, 21.0, UNDATED])
    assert found[:4] == [0, 0, 1, 1]


def test_labels_are_numbered_by_first_member_and_noise_is_alone() -> None:
    assert in_order(np.array([5, -1, 2, 5, -1, 2])).tolist() == [0, 1, 2, 0, 3, 2]
    assert in_order(np.array([], dtype=np.int64)).tolist() == []
