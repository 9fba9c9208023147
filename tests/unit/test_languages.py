"""Near-copies are found in every script: Cyrillic, Turkish letters, right to left, and without spaces."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest

from dedup.article import Article, parse_article
from dedup.family import Settled
from dedup.pipeline import Params, cluster_articles, find_families, prepare

LANGUAGES = ("uk", "tr", "ar", "zh", "ja")
SPACELESS = ("zh", "ja")
REPLACED = 0.02
N_COPIES = 4


def originals(repository: Path, language: str) -> list[Article]:
    lines = (repository / "tests" / "texts" / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return [parse_article(line) for line in lines]


def near_copies(article: Article, chance: random.Random, *, by_letter: bool) -> list[Article]:
    """Copies with 2 % of the words, or of the letters where words are not spaced, replaced by others of the text."""
    copies = []
    for turn in range(N_COPIES):
        units = list(article.text) if by_letter else article.text.split(" ")
        wordlike = [i for i, unit in enumerate(units) if any(map(str.isalnum, unit))]
        for place in chance.sample(wordlike, round(REPLACED * len(wordlike))):
            units[place] = chance.choice([units[i] for i in wordlike if units[i] != units[place]])
        text = ("" if by_letter else " ").join(units)
        assert text != article.text
        copies.append(Article(f"{article.id}/copy-{turn}", title=article.title, text=text))
    return copies


@pytest.fixture(scope="module")
def archive(repository: Path) -> dict[str, list[Settled]]:
    """All originals and near-copies of all languages as one archive, shuffled: the family of each article id."""
    chance = random.Random(20_250_602)
    articles: list[Article] = []
    for language in LANGUAGES:
        for article in originals(repository, language):
            articles += [article, *near_copies(article, chance, by_letter=language in SPACELESS)]
    chance.shuffle(articles)
    families: dict[str, list[Settled]] = {}
    for settled in find_families(prepare(articles, Params()), Params()):
        for member in settled.members:
            families.setdefault(member.article_id, []).append(settled)
    return families


@pytest.mark.parametrize("language", LANGUAGES)
def test_at_least_19_of_20_near_copies_are_found(
    language: str, archive: dict[str, list[Settled]], repository: Path
) -> None:
    found = [
        archive[article.id] == archive[f"{article.id}/copy-{turn}"]
        for article in originals(repository, language)
        for turn in range(N_COPIES)
    ]
    assert len(found) == 20
    assert sum(found) >= 19


def test_no_two_different_texts_are_joined(archive: dict[str, list[Settled]]) -> None:
    for (settled,) in archive.values():
        assert len({member.article_id.partition("/")[0] for member in settled.members}) == 1


def test_every_article_is_in_one_family(archive: dict[str, list[Settled]]) -> None:
    assert len(archive) == len(LANGUAGES) * 5 * (1 + N_COPIES)
    assert {len(families) for families in archive.values()} == {1}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_copy_is_found_whatever_the_width_and_composition_of_its_letters(language: str, repository: Path) -> None:
    article = originals(repository, language)[0]
    respelt = [
        article.text.translate({ord("0") + digit: ord("０") + digit for digit in range(10)}).replace(" ", "\u00a0"),
        unicodedata.normalize("NFD", article.text),
        article.text.replace("\n", "\n\u200b"),
    ]
    copies = [Article(f"copy-{i}", text=text) for i, text in enumerate(respelt)]
    (family,) = find_families(prepare([article, *copies], Params()), Params())
    assert family.kinds == ("new", "copy", "copy", "copy")


STORIES_WITHOUT_SPACES = {
    "zh": [
        [
            "土耳其伊斯坦布尔举行的第二轮停火谈判周一结束,双方同意交换一千二百名战俘,但没有就停火达成协议。代表团团长表示,会谈持续了一个多小时。",
            "伊斯坦布尔会谈结束:双方将各释放六百名战俘,受伤和年轻士兵优先。停火问题仍无进展,谈判代表称下一轮会谈日期未定。",
            "停火谈判代表离开伊斯坦布尔,战俘交换名单将在一周内确定。外交部长说,会谈气氛严肃,停火尚需时日。",
        ],
        [
            "上海股市周二大幅上涨,沪指收高百分之二点三,成交额创三个月新高。银行股和券商股领涨,投资者期待央行降息。",
            "受降息预期推动,沪指上涨逾百分之二,券商板块多只股票涨停。分析师认为成交额放大显示信心恢复。",
            "股市收盘:上海综合指数上涨百分之二点三,银行股表现强劲,深圳创业板也走高,成交额明显增加。",
        ],
        [
            "中国女足在亚洲杯决赛中以二比一击败日本队,第九次夺得冠军,队长王霜打入制胜一球。",
            "亚洲杯决赛:王霜补时进球,中国女足二比一逆转日本,教练称赞球员的拼搏精神。",
            "女足姑娘夺冠回国,数千球迷在机场迎接。决赛中她们以二比一战胜日本队,时隔多年再次捧起亚洲杯。",
        ],
        [
            "广州地铁三号线早高峰信号故障,列车停运近两小时,数万名乘客受到影响,地铁公司致歉并安排公交接驳。",
            "地铁三号线信号故障导致广州早高峰大面积延误,乘客被疏散,地铁公司称故障已排除。",
            "广州地铁公司就三号线停运道歉,表示将免费退票,信号系统供应商正在调查故障原因。",
        ],
        [
            "议会周三通过新的数据保护法,企业违规最高罚款五千万元,法律将于明年一月生效。",
            "数据保护法获议会通过:用户有权删除个人信息,违规企业面临高额罚款。隐私团体表示欢迎。",
            "新数据保护法明年生效,企业担心合规成本,议会委员会说罚款将分级执行。",
        ],
    ],
    "ja": [
        [
            "イスタンブールで行われた二回目の停戦協議は月曜日に終了し、双方は千二百人の捕虜を交換することで合意したが、停戦では合意に至らなかった。",
            "停戦協議、捕虜交換で合意 イスタンブールでの会談は一時間余りで終わり、負傷兵と若い兵士が優先される。",
            "代表団がイスタンブールを離れた。捕虜の名簿は一週間以内に確定し、停戦の話し合いは続くと外相は述べた。",
        ],
        [
            "東京株式市場は火曜日に大幅高となり、日経平均は二%上昇して三カ月ぶりの高値をつけた。銀行株が買われた。",
            "日経平均が大幅上昇、三カ月ぶり高値 円安を受けて自動車株や銀行株が買われ、東京市場は全面高となった。",
            "東京市場で銀行株が上昇、日経平均の終値は二%高。投資家は日銀の会合を待っている。",
        ],
        [
            "北海道で未明に震度五の地震があり、三人がけがをした。気象庁は津波の心配はないと発表した。",
            "北海道の地震で住宅の壁が崩れ、三人が病院に運ばれた。気象庁は一週間ほど余震に注意するよう呼びかけている。",
            "震度五の地震から一夜、北海道では停電が復旧し、学校は休校となった。気象庁によると余震が続いている。",
        ],
    ],
}


@pytest.mark.parametrize("language", STORIES_WITHOUT_SPACES)
@pytest.mark.parametrize("at", [None, 1_920_000_000.0])
def test_short_articles_in_scripts_without_spaces_are_told_apart_by_event(language: str, at: float | None) -> None:
    events = STORIES_WITHOUT_SPACES[language]
    articles = [
        Article(f"{i}-{k}", text=text, published_at=at) for i, told in enumerate(events) for k, text in enumerate(told)
    ]
    stories = [one.story_id for one in cluster_articles(articles)]
    assert [len(set(stories[3 * i : 3 * i + 3])) for i in range(len(events))] == [1] * len(events)
    assert len(set(stories)) == len(events)
