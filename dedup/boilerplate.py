"""What pages say about themselves and not about the news: cookie walls, subscription notices, bylines, share buttons,
lists of what else there is to read. It is taken out before texts are compared, so that it makes no two articles alike.

Works on text that `dedup.text.normalise` has been through, sentence by sentence and line by line, without any state:
the same text is cleaned alike whenever and beside whatever it comes. A sentence goes if it speaks to the reader about
the page in one of the phrases below; a line goes if it is a button, a byline or the heading of a list of other
articles, and with such a heading the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import regex
from numpy.typing import NDArray

from dedup.shingle import KnownWords, word_hashes

_PHRASES: Final = {
    # English
    "subscri": (
        (
            r"\bsubscribe(?: now| here| today)?(?: (?:to|for|and))? (?:our|get|read|continue|unlock|access"
            r"|receive|view|unlimited|more|newsletters?)\b"
        ),
        r"\bnewsletter to subscribe", r"\bsubscribers? (?:only|agreement|content)",
        r"(?:already|become|not) a subscriber", r"\b(?:your|our) (?:digital )?subscription\b", r"\bplease subscribe",
    ),
    "sign up": (
        r"\bnewsletter sign up\b",
        (
            r"\bsign up (?:for (?:our|your|free|daily|more)|to (?:our|get|receive|read)|here|now|today"
            r"|and (?:get|stay|receive))"
        ),
    ),
    "sign in": (
        r"\bsign in (?:to|or|with)\b[^.!?\n]{0,40}\b(?:your|continue|read|account|comment)", r"\bplease sign in",
    ),
    "log in": (
        r"\blog in (?:to|or|with)\b[^.!?\n]{0,40}\b(?:your|continue|read|account|comment)", r"\bplease log in",
    ),
    "register": (r"\bregister (?:now|here|for free|to (?:continue|read|comment)|for more articles)",),
    "cookie": (
        r"\b(?:we|us|partners?|site|website|page)\b[^.!?\n]{0,80}\bcookies\b",
        r"\b(?:accept|manage|reject|our|use of|your) (?:all )?cookies?\b",
        r"\bcookie (?:policy|settings|preferences|notice|consent)",
    ),
    "privacy": (
        r"\b(?:our|the|site's) privacy (?:policy|notice|statement)", r"\bprivacy policy\b[^.!?\n]{0,40}\bterms\b",
    ),
    "terms of": (r"\b(?:our|the|these|agree to) terms (?:of (?:use|service)|and conditions)",),
    "newsletter": (
        r"\b(?:our|your|free|daily|weekly) (?:\w+ ){0,2}newsletters?\b", r"^\W*(?:manage |more )?newsletters?\b",
    ),
    "inbox": (r"\b(?:straight |directly |delivered |sent )to your inbox", r"\bin your inbox\b"),
    "browser": (r"\byour (?:web )?browser\b",),
    "javascript": (
        r"\b(?:enable|requires?|turn on|disabled?) javascript",
        r"\bjavascript\b[^.!?\n]{0,40}\b(?:enabled?|disabled|browser)",
    ),
    "blocker": (
        r"\bad ?-?blockers?\b[^.!?\n]{0,80}\b(?:you|your|disable|detected|using)",
        r"\b(?:disable|using|your) (?:an |your )?ad ?-?blocker",
    ),
    "unlimited": (r"\bunlimited (?:digital )?access\b",),
    "free article": (
        r"\bfree articles?\b[^.!?\n]{0,40}\b(?:left|remaining|month|limit)", r"\b(?:limit|number) of free articles",
    ),
    " trial": (
        r"\b(?:start|begin|cancel) (?:your|any ?time)[^.!?\n]{0,20}\btrial\b",
        r"\bfree trial\b[^.!?\n]{0,60}\b(?:cancel|today|now)",
    ),
    "all rights": (r"\ball rights? reserved",),
    "copyright": (r"\bcopyright (?:\(c\)|©|\d{4}|law)", r"\(c\) \d{4}", r"\bcopyrighted material"),
    "©": (r"© ?(?:\d{4}|\w+)",),
    "permission": (
        (
            r"\b(?:reproduc|redistribut|rewritten|broadcast|publish"
            r"|copied)[^.!?\n]{0,60}\bwithout [^.!?\n]{0,30}permission"
        ),
        r"\bpermission to (?:reproduce|republish|reprint)",
    ),
    "reproduced": (r"\b(?:may|must|can) ?not be\b[^.!?\n]{0,60}\breproduced",),
    "redistributed": (r"\b(?:may|must|can) ?not be\b[^.!?\n]{0,60}\bredistributed",),
    "non-commercial": (r"\b(?:personal|for)\b[^.!?\n]{0,12}\bnon-commercial use",),
    "copies": (r"\border (?:multiple |presentation-ready )?copies",),
    "reprint": (r"\b(?:order|contact|request)\b[^.!?\n]{0,60}\breprints?\b",),
    " app": (r"\b(?:download|get|install) (?:the|our) (?:free |mobile |\w+ )?app\b",),
    "follow ": (
        (
            r"\bfollow (?:us|him|her|\w+(?: \w+)?) (?:on|at) (?:twitter|facebook|instagram|x|linkedin"
            r"|telegram|@|bluesky|threads)"
        ),
    ),
    "share ": (
        (
            r"\bshare (?:this|on|via|with your)\b[^.!?\n]{0,30}\b(?:article|story|page|post|twitter|facebook"
            r"|whatsapp|email|linkedin|friends)"
        ),
    ),
    "click ": (r"\bclick (?:here|on the link|below)\b",),
    "continu": (
        r"\b(?:story|article) continues (?:below|after)", r"\bscroll (?:down )?to continue",
        r"\b(?:to )?continue reading\b", r"\bby continuing\b[^.!?\n]{0,60}\b(?:you|agree|accept|consent)",
    ),
    "by clicking": (r"\bby clicking\b[^.!?\n]{0,80}\b(?:you|agree|accept|consent)",),
    "up to date": (r"\bstay up to date (?:with|on)",),
    " tip": (r"\b(?:do you have|have|got) a (?:news |story )?tip\b",),
    "comment": (
        r"\b(?:leave|post|join|view|show|add) (?:a|the|all|your) (?:comments?|conversation)",
        r"\bcomments? (?:section|are closed)",
    ),
    "this article": (
        r"\bthis article (?:was )?(?:originally|first) (?:published|appeared)",
        r"\b(?:share|email|print|save|listen to) this article",
    ),
    "this story": (
        r"\bthis story (?:was )?(?:originally|first) (?:published|appeared)",
        r"\b(?:share|email|print|save|listen to) this story",
    ),
    "editing by": (
        r"\breporting by\b[^.!?\n]{0,120}\bediting by\b",
        r"^\W*\(?(?:writing|editing|reporting)(?: and editing)? by\b",
    ),
    "journalism": (
        r"\b(?:please )?(?:consider )?(?:support(?:ing)?) (?:our|independent|quality) (?:\w+ )?journalism",
    ),
    "advertis": (r"^\W*advertisement(?: \d+)?\W*(?:$|story|scroll|continue)", r"\bthis advertisement has not"),
    # German, Dutch
    "rechte": (r"\balle rechten? vorbehalten", r"\balle rechten voorbehouden"),
    "cookies": (
        (
            r"\b(?:wir|nous|partner|partners|partenaires|wij|używamy|korzystamy|utilizamos|usamos"
            r"|utilizziamo|usiamo|используем|використовуємо)\b[^.!?\n]{0,80}\bcookies\b"
        ),
        r"\bcookies\b[^.!?\n]{0,80}\b(?:zustimm|akzeptier|accept|aceptar|aceitar|accett)",
    ),
    "abonn": (
        r"\bnur für abonnenten", r"\b(?:jetzt|hier) abonnieren", r"\babonnez-vous",
        r"\b(?:réservée?|déjà) [^.!?\n]{0,12}\babonnée?s?\b",
    ),
    "abbonati": (r"\babbonati\b",),
    "abone ol": (r"\babone ol",),
    "anmelden": (r"\b(?:jetzt|hier) (?:kostenlos )?anmelden",),
    "datenschutz": (r"\b(?:unsere|die) datenschutzerklärung",),
    # French, Spanish, Portuguese, Italian
    "droits": (r"\btous droits réservés",),
    "inscri": (r"\binscrivez-vous\b", r"\binscríbete\b", r"\binscreva-se\b", r"\biscriviti\b"),
    "confidentialit": (r"\bpolitique de confidentialité",),
    "partage": (r"\bpartage[rz] (?:cet article|sur)\b",),
    "derechos": (r"\btodos los derechos reservados",),
    "direitos": (r"\btodos os direitos reservados",),
    "diritti": (r"\btutti i diritti riservati", r"\briproduzione riservata"),
    "suscr": (r"\bsuscríb(?:ete|ase)\b", r"\bsolo para suscriptores"),
    "assina": (r"\b(?:só|apenas|exclusivo) para assinantes", r"\bassine (?:já|agora|a)\b"),
    "privaci": (r"\bpolítica de privaci(?:dad|dade)",),
    # Polish, Turkish
    "prawa": (r"\bwszelkie prawa zastrzeżone",),
    "haklar": (r"\btüm haklar[ıi] sakl[ıi]d[ıi]r",),
    # Russian, Ukrainian
    "права": (r"\bвсе права защищены", r"\b(?:усі|всі) права (?:захищено|захищені)"),
    "підпи": (r"\bпідпи(?:суйтесь|суйтеся|шіться) на\b",),
    "подпи": (r"\bподпи(?:сывайтесь|шитесь) на\b",),
    "поділ": (r"\bподілити(?:ся|сь) (?:в|у|на)\b",),
    "поделит": (r"\bподелиться (?:в|на)\b",),
    # Arabic, Chinese, Japanese
    "الحقوق": (r"جميع الحقوق محفوظة",),
    "版": (r"版权所有", r"版權所有"),
    "授": (r"未经授权", r"未經授權"),
    "無断": (r"無断(?:転載|複製)",),
    "会員": (r"会員限定", r"有料会員"),
}  # fmt: skip
"""A stem, and what a sentence with it says to the reader: only sentences with the stem are looked at."""
_WORDS: Final = """
    subscribe subscriber subscribers subscription sign log register cookie cookies privacy terms newsletter
    newsletters inbox browser javascript blocker blockers unlimited trial reserved copyright copyrighted permission
    reproduced redistributed commercial copies reprint reprints app follow share click continues continue continuing
    clicking date tip comment comments conversation article story editing journalism advertisement facebook twitter
    whatsapp linkedin read related recommended trending picks popular rechte rechten vorbehalten abonnenten
    abonnieren anmelden datenschutzerklärung meistgelesen thema lesen auch abonnez abonné abonnée abonnés abbonati
    abone droits inscrivez inscríbete inscreva iscriviti confidentialité partager partagez lire derechos direitos
    diritti riproduzione riservata suscríbete suscríbase suscriptores assinantes assine privacidad privacidade leído
    también interesar leia leggi letti prawa zastrzeżone czytaj haklar saklıdır saklidir okunanlar haberler права
    подписывайтесь подпишитесь підписуйтесь підписуйтеся підпишіться поділитися поділитись поделиться читайте الحقوق
    اقرأ 版 権 权 權 授 断 会
"""
"""One of these is in every text with boilerplate that is known here."""
_COMPILED: Final = {stem: regex.compile("|".join(phrases), regex.M) for stem, phrases in _PHRASES.items()}
_FIRST_BYTES: Final = 4
"""Bytes of a stem by which it is looked for; shorter ones are looked for one by one."""
_TABLE_BITS: Final = 14
_SPREAD: Final = np.uint32(0x9E3779B1)
_BUTTON_WORDS: Final = (
    "share|tweet|post|facebook|twitter|x|whatsapp|telegram|linkedin|reddit|pinterest|bluesky|email|e-mail|mail|print|save|copy"
    "|link|comments?|bookmark|listen|advertisement|ad|sponsored|subscribe|log in|sign in|menu|close|home|teilen|drucken"
    "|merken|anzeige|werbung|partager|imprimer|publicité|compartir|imprimir|publicidad|compartilhar|condividi|stampa"
    "|paylaş|yazdır|поделиться|реклама|поділитися|分享|広告|共有|مشاركة"
)
_BUTTONS: Final = regex.compile(rf"\W*(?:(?:{_BUTTON_WORDS}|on|via|this|article|\d+)\W+)*(?:{_BUTTON_WORDS})\W*")
_BYLINE: Final = regex.compile(
    r"\W*(?:by|von|written by|text:|photo(?:graph)?s?(?: by)?:?|image(?: credit)?:|credit:|foto:)"
    r"(?: [\p{L}.'-]+){1,5}(?:,? (?:and|und|et|y|e) [\p{L}.'-]+(?: [\p{L}.'-]+){0,2})?\W*"
)
_HEADING: Final = regex.compile(
    r"\W*(?:most (?:read|popular|viewed|shared|commented)|read (?:more|next|also)|you (?:may|might) also (?:like|be"
    r" interested in)|related (?:articles?|stories|topics|links|content|news|coverage)"
    r"|recommended(?: for you| stories| articles)?|more (?:on this story|from|stories|news|top stories)\b[^.]{0,30}"
    r"|trending(?: now)?|top stories|editors?'s? picks?|latest news|don't miss|meistgelesen|mehr zum thema"
    r"|lesen sie auch|auch interessant|à lire aussi|lire aussi|les plus lus|lo más leído|lea también|te puede interesar"
    r"|mais lidas|leia também|leggi anche|i più letti|czytaj też|çok okunanlar|ilgili haberler"
    r"|читайте также|читайте також|相关阅读|延伸阅读|関連記事|اقرأ أيضا)\W*"
)
_FIRST_WORDS: Final = frozenset(
    regex.findall(
        r"[^\W\d_]+",
        f"{_BUTTON_WORDS} by von written text photo photos photograph image credit foto most read you related"
        " recommended more trending top editor editors latest don meistgelesen mehr lesen auch à lire les lo lea te"
        " mais leia leggi i czytaj çok ilgili читайте 相关阅读 延伸阅读 関連記事 اقرأ",
    )
)
"""What buttons, bylines and headings begin with."""
_FIRST_WORD: Final = regex.compile(r"[^\W\d_]+")
_ENDS: Final = frozenset(".!?。！？؟…\"')”:;")
_MARKS: Final = (". ", "! ", "? ", '." ', "\n", "。", "！", "？")
_SENTENCE_END: Final = regex.compile(r"[.!?。！？؟…]+[\"')\]]*(?=\s|$)|[。！？]|\n")
_NEAR: Final = 500
"""Letters before a phrase in which its sentence nearly always begins."""
_LIST_WORDS: Final = 15
_LONGEST_LINE: Final = 120
"""Letters; a longer line is no button, byline or heading."""
_WRAPPED_LINE: Final = 40
"""Letters; a longer line that ends without a full stop goes on in the next one."""


def suspects(words: NDArray[np.uint64], n_words: NDArray[np.int64]) -> list[int]:
    """Which texts may have boilerplate in them, by the hashes of their words and the number of words of each."""
    found, _ = _known_words().find(words)
    return [int(i) for i in np.unique(np.searchsorted(np.cumsum(n_words), found, side="right"))]


@cache
def _known_words() -> KnownWords:
    return KnownWords.of(word_hashes(_WORDS.split())[0], table_bits=14)


def without_boilerplate(text: str) -> str:
    """The normalised text without what is boilerplate in it, in the order it had; "" where it is nothing else."""
    if "\n" in text:
        text = "\n".join(_told_lines(text.split("\n")))
    gone = sorted({span for stem in _stems_in(text) for span in _sentences_with(text, stem, _COMPILED[stem])})
    if not gone:
        return text
    ends = [0, *(end for span in gone for end in span), len(text)]
    told = "".join(text[a:b] for a, b in zip(ends[::2], ends[1::2], strict=True))
    return told if told.strip() else ""


def _stems_in(text: str) -> list[str]:
    """The stems that a text has. Where in it one of them may begin is told of all at once, by its first bytes."""
    stems_by_start, is_start, short = _starts()
    data = text.encode(errors="surrogatepass")
    if len(data) < _FIRST_BYTES:
        return [stem for stem in short if stem in text]
    read = np.ndarray((len(data) - _FIRST_BYTES + 1,), "<u4", data, strides=(1,)).copy()
    places = np.flatnonzero(is_start.take(_spread(read)))
    found: dict[str, None] = dict.fromkeys(stem for stem in short if stem in text)
    for place, start in zip(places.tolist(), read[places].tolist(), strict=True):
        for stem, own in stems_by_start.get(start, ()):
            if stem not in found and data.startswith(own, place):
                found[stem] = None
    return list(found)


@cache
def _starts() -> tuple[dict[int, list[tuple[str, bytes]]], NDArray[np.bool_], list[str]]:
    """Stems, with their bytes, by the first four of these as a number; a table of what these may be; and the stems that
    are shorter.
    """
    stems_by_start: dict[int, list[tuple[str, bytes]]] = {}
    for stem, own in ((stem, stem.encode()) for stem in _PHRASES):
        if len(own) >= _FIRST_BYTES:
            stems_by_start.setdefault(int.from_bytes(own[:_FIRST_BYTES], "little"), []).append((stem, own))
    is_start = np.zeros(1 << _TABLE_BITS, np.bool_)
    is_start[_spread(np.array(list(stems_by_start), np.uint32))] = True
    return stems_by_start, is_start, [stem for stem in _PHRASES if len(stem.encode()) < _FIRST_BYTES]


def _spread(starts: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Places in the table."""
    return np.asarray(starts * _SPREAD >> np.uint32(32 - _TABLE_BITS))


def _sentences_with(text: str, stem: str, pattern: regex.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Where sentences with a phrase begin and end."""
    place = text.find(stem)
    while place >= 0:
        start = _sentence_start(text, max(0, place - _NEAR), place) or _sentence_start(text, 0, place)
        found = _SENTENCE_END.search(text, place)
        end = found.end() if found else len(text)
        if pattern.search(text, start, end):
            yield start, end
        place = text.find(stem, end)


def _sentence_start(text: str, first: int, place: int) -> int:
    """Where the sentence begins that is told of at `place`, if it does from `first` on; else 0."""
    ends = (at + len(mark.rstrip(" ")) for mark in _MARKS if (at := text.rfind(mark, first, place)) >= 0)
    return max(ends, default=0)


def _told_lines(lines: list[str]) -> Iterator[str]:
    """The lines that are no buttons, bylines, headings of lists or items of such a list."""
    in_list = runs_on = False
    for line in lines:
        if in_list and (not line.strip() or _is_item(line)):
            continue
        in_list = False
        if (
            not runs_on
            and len(line) <= _LONGEST_LINE
            and (first := _FIRST_WORD.search(line))
            and first[0] in _FIRST_WORDS
        ):
            in_list = bool(_HEADING.fullmatch(line))
            if in_list or (not line.endswith(".") and (_BUTTONS.fullmatch(line) or _BYLINE.fullmatch(line))):
                continue
        runs_on = len(line) > _WRAPPED_LINE and line.rstrip()[-1:] not in _ENDS
        yield line


def _is_item(line: str) -> bool:
    """Whether a line below a list's heading is one of the list: short, and no sentence."""
    return line.rstrip()[-1:] not in _ENDS and len(line.split()) <= _LIST_WORDS
