"""Words that tell which of several like events a text is about, language by language: data, no rules.

A text need not tell its language: the words looked for are those of the language with most function words in it. What a
class means is said in `dedup.cues`, where the rules are. Forms are listed as they are written in running text, lower
case, accents kept; one word each (so of п'ятниця what follows the apostrophe).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CueWords:
    """The cue words of one language, divided by spaces.

    `numbers`: words for 0 to 19, 20 and the further tens, those of one value after the other, divided by semicolons.
    `ordinals`: the same from the first on. `openers` say "first" in other words, `closers` "last". `ahead`: what stands
    before an ordinal that is yet to come ("before a third"), `coming`: what stands after it ("a third will"), `behind`:
    before one that has gone by ("since the first"). `copulas`: with a weekday, say when something comes ("Game 3 is on
    Thursday"); none where they also make a past tense ("ist am Montag gescheitert"). `amounts`: a small number of
    something, besides numbers ("several"). `units`: days, weeks and months, by which rounds are apart. `since`: after a
    span of time, makes it point back ("two weeks ago"). `ago`: the same, before the span ("vor zwei Wochen"). `last`:
    with a unit or month, the one gone by. `back`: points back by itself. `within`: before a month, says when ("in early
    April"). `spans`: nouns that are counted and no event ("third week"). `of`: between the parts of one name ("round of
    talks"). `months`, `weekdays`: their names. `function`: articles, prepositions, pronouns, auxiliaries.
    """

    numbers: str
    ordinals: str
    openers: str
    closers: str
    ahead: str
    coming: str
    behind: str
    copulas: str
    amounts: str
    units: str
    since: str
    ago: str
    last: str
    back: str
    within: str
    spans: str
    of: str
    months: str
    weekdays: str
    function: str


ENGLISH: Final = CueWords(
    numbers="zero; one; two; three; four; five; six; seven; eight; nine; ten; eleven; twelve; thirteen; fourteen; "
    "fifteen; sixteen; seventeen; eighteen; nineteen; twenty; thirty; forty; fifty; sixty; seventy; eighty; ninety",
    ordinals="first 1st; second 2nd; third 3rd; fourth 4th; fifth 5th; sixth 6th; seventh 7th; eighth 8th; ninth "
    "9th; tenth 10th; eleventh 11th; twelfth 12th; thirteenth 13th; fourteenth 14th; fifteenth 15th",
    openers="opening inaugural maiden initial",
    closers="last final deciding concluding",
    ahead="force forces forced forcing before until ahead next upcoming will would expect expected expects set "
    "planned plan plans scheduled possible potential no another's toward towards avoid avert avoids averts",
    coming="will would expected scheduled due planned tomorrow next upcoming shall could might should must awaits "
    "looms",
    behind="since earlier previous unlike than preceding",
    copulas="is are",
    amounts="a an few several some couple",
    units="day days week weeks fortnight fortnights month months",
    since="ago earlier before after since on later post separates separate back",
    ago="",
    last="last previous",
    back="ago earlier previously preceding previous",
    within="in since early late mid",
    spans="time times day days week weeks month months year years degree degrees percent half person people hour "
    "hours minute minutes second seconds place",
    of="of",
    months="january february march april may june july august september october november december",
    weekdays="monday tuesday wednesday thursday friday saturday sunday",
    function="a about after again against all also am an and any are as at be because been before being between "
    "both but by can could did do does down during each every for from had has have he her here hers him his how i "
    "if in into is it its just may might more most much must my no nor not now of off on once only or other our out "
    "over own per said same say says she should so some such than that the their them then there these they this "
    "those through to too under until up upon us very was we were what when where which while who whom whose why "
    "will with within without would yet you your",
)

GERMAN: Final = CueWords(
    numbers="null; eins; zwei; drei; vier; fünf; sechs; sieben; acht; neun; zehn; elf; "
    "zwölf; dreizehn; vierzehn; fünfzehn; sechzehn; siebzehn; achtzehn; neunzehn; zwanzig; dreißig; vierzig; "
    "fünfzig; sechzig; siebzig; achtzig; neunzig",
    ordinals="erste ersten erster erstes erstem; zweite zweiten zweiter zweites zweitem; dritte dritten dritter "
    "drittes drittem; vierte vierten vierter viertes viertem; fünfte fünften fünfter fünftes fünftem; sechste "
    "sechsten sechster sechstes; siebte siebten siebter siebtes; achte achten achter achtes; neunte neunten neunter "
    "neuntes; zehnte zehnten zehnter zehntes; elfte elften elfter elftes; zwölfte zwölften zwölfter zwölftes",
    openers="auftakt eröffnung",
    closers="letzte letzten letzter letztes abschließende abschließenden",
    ahead="vor nächste nächsten nächster nächstes kommende kommenden kommender künftige soll sollen geplante "
    "geplanten bis erwartet keine kein weitere droht drohende drohenden mögliche möglichen",
    coming="soll sollen folgt findet stattfinden geplant angesetzt vorgesehen erwartet nächsten kommenden morgen "
    "könnte dürfte droht",
    behind="seit vorige vorigen früheren vorangegangenen vergangenen",
    copulas="",
    amounts="ein eine einen einem einer einige einigen wenige wenigen mehrere mehreren paar",
    units="tag tage tagen woche wochen monat monate monaten",
    since="später zuvor früher danach nach her",
    ago="vor",
    last="letzte letzten letzter letztes vorige vorigen voriger vergangene vergangenen vergangener",
    back="zuvor früher damals seinerzeit vorherige vorherigen vorangegangene vorangegangenen",
    within="im seit anfang mitte ende",
    spans="tag tage tagen woche wochen monat monate monaten jahr jahre jahren mal stunde stunden minute minuten "
    "prozent platz linie",
    of="der des von",
    months="januar februar märz april mai juni juli august september oktober november dezember",
    weekdays="montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag",
    function="aber alle allem allen aller alles als also am an auch auf aus bei beim bis da damit dann das dass dem "
    "den denn der des dessen die dies diese diesem diesen dieser dieses doch dort durch ein eine einem einen einer "
    "eines er es etwa für gegen gibt hat hatte hatten haben hier ihm ihn ihr ihre ihrem ihren ihrer im in ins ist "
    "ja kann kein keine könnte man mehr mit nach nicht noch nun nur ob oder ohne sagte schon sei sein seine seinem "
    "seinen seiner seit sich sie sind so soll sollen sowie über um und uns unter vom von vor war waren was weil "
    "wenn wer werden wie wieder wird wo wurde wurden zu zum zur zwischen",
)

SPANISH: Final = CueWords(
    numbers="cero; uno una un; dos; tres; cuatro; cinco; seis; siete; ocho; nueve; diez; once; doce; trece; "
    "catorce; quince; dieciséis; diecisiete; dieciocho; diecinueve; veinte; treinta; cuarenta; cincuenta; sesenta; "
    "setenta; ochenta; noventa",
    ordinals="primera primer primero primeros primeras 1o 1a; segunda segundo segundos segundas 2o 2a; tercera "
    "tercer tercero 3o 3a; cuarta cuarto 4o 4a; quinta quinto 5o 5a; sexta sexto 6o 6a; séptima séptimo; octava "
    "octavo; novena noveno; décima décimo",
    openers="inaugural inicial apertura",
    closers="última último final definitiva definitivo",
    ahead="próxima próximo próximas próximos antes hasta siguiente será habrá prevista previsto posible eventual "
    "ningún ninguna",
    coming="será serán habrá tendrá celebrará disputará jugará comenzará empezará prevista previsto próximo próxima "
    "mañana podría debe",
    behind="desde anterior anteriores pasada pasado",
    copulas="es son",
    amounts="unos unas pocos pocas varios varias algunos algunas",
    units="día días semana semanas quincena mes meses",
    since="después antes atrás más luego tras",
    ago="hace tras",
    last="pasado pasada pasados pasadas anterior último última",
    back="anteriormente antes anterior anteriores entonces previo previa",
    within="en desde principios mediados finales",
    spans="vez veces día días semana semanas mes meses año años hora horas minuto minutos segundo segundos ciento "
    "lugar grado grados",
    of="de del",
    months="enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    weekdays="lunes martes miércoles jueves viernes sábado domingo",
    function="a al algo ante antes aquel así aún aunque bajo bien cada como con contra cual cuando cuyo de del "
    "desde después dijo donde dos durante e el él ella ellos en entre era eran es esa ese eso esta está están estas "
    "este esto estos fue fueron ha había habían han hasta hay la las le les lo los más me mientras muy ni no nos o "
    "otra otro para pero por porque pues que qué quien se según ser será si sí sin sobre son su sus también tan "
    "tanto te tiene todo todos tras un una uno y ya",
)

FRENCH: Final = CueWords(
    numbers="zéro; un une; deux; trois; quatre; cinq; six; sept; huit; neuf; dix; onze; douze; treize; quatorze; "
    "quinze quinzaine; seize; ; ; ; vingt vingtaine; trente; quarante; cinquante; soixante; ; ;",
    ordinals="premier première 1er 1re; deuxième second seconde 2e; troisième 3e; quatrième 4e; cinquième 5e; "
    "sixième 6e; septième 7e; huitième 8e; neuvième 9e; dixième 10e; onzième 11e; douzième 12e",
    openers="inaugural inaugurale initial initiale",
    closers="dernier dernière final finale ultime",
    ahead="prochain prochaine prochains prochaines avant future futur éventuel éventuelle sera devrait prévue prévu "
    "aucun aucune",
    coming="sera seront aura auront tiendra débutera commencera prévu prévue prochain prochaine demain devrait "
    "pourrait attendu attendue",
    behind="depuis précédent précédente",
    copulas="",
    amounts="quelques plusieurs",
    units="jour jours semaine semaines quinzaine mois",
    since="plus après avant auparavant",
    ago="y après",
    last="dernier dernière derniers dernières passé passée précédent précédente",
    back="auparavant précédemment précédent précédente alors jadis",
    within="en depuis début mi fin",
    spans="fois jour jours semaine semaines mois an ans année années heure heures minute minutes seconde secondes "
    "cent place degré degrés",
    of="de des du",
    months="janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    weekdays="lundi mardi mercredi jeudi vendredi samedi dimanche",
    function="a à afin ainsi alors après au aussi autre autres aux avait avant avec car ce cela celle ces cet cette "
    "ceux chez comme contre d dans de depuis des deux dit donc dont du elle elles en encore entre est et été être "
    "eu eux fait il ils je jusqu l la le les leur leurs lors lui mais même moins n ne ni non nos notre nous on ont "
    "ou où par parce pas pendant peu plus pour qu que qui s sa sans se selon sera ses si son sont sous sur ta "
    "tandis tous tout toute toutes très un une vers vous y",
)

UKRAINIAN: Final = CueWords(
    numbers="нуль; один одна одне одного одну; два дві двох двом; три трьох трьом; чотири чотирьох; ; шість шести; "
    "сім семи; вісім восьми; ; десять десяти; одинадцять; дванадцять; тринадцять; чотирнадцять; ; шістнадцять; "
    "сімнадцять; вісімнадцять; ; двадцять; тридцять; сорок; ; шістдесят; сімдесят; вісімдесят;",
    ordinals="перший перша перше першого першої першому першу першим першій; другий друга друге другого другої "
    "другому другу другим другій; третій третя третє третього третьої третьому третю третім; четвертий четверта "
    "четверте четвертого четвертої четвертому четверту; шостий шоста шостого шостої шосту",
    openers="вступний стартовий стартова",
    closers="останній остання останнє останнього останньої останньому останню вирішальний вирішальна",
    ahead="наступний наступна наступного наступної наступному наступну перед до буде майбутній майбутня можливий",
    coming="буде будуть відбудеться відбудуться пройде почнеться розпочнеться запланований запланована заплановано "
    "очікується наступного наступної завтра може має",
    behind="від попередній попередня попереднього попередньої попередньому минулого минулої",
    copulas="",
    amounts="кілька декілька пару",
    units="день дня дні днів тиждень тижня тижні тижню тижнів місяць місяця місяці місяців",
    since="тому потому раніше після пізніше",
    ago="за через",
    last="минулий минула минуле минулого минулої минулому минулу попередній попередня попереднього попередньої",
    back="раніше тоді попередній попередня попереднього попередньої попередньому",
    within="у в з на початку наприкінці",
    spans="раз рази разів день дня дні днів тиждень тижня тижні тижнів місяць місяця місяці місяців рік року роки "
    "років година години годин хвилина хвилини хвилин місце",
    of="",
    months="січень січня січні лютий лютого лютому березень березня березні квітень квітня квітні травень травня "
    "травні червень червня червні липень липня липні серпень серпня серпні вересень вересня вересні жовтень жовтня "
    "жовтні листопад листопада листопаді грудень грудня грудні",
    weekdays="понеділок понеділка вівторок вівторка середа середу середи четвер четверга ятниця ятницю ятниці "
    "субота суботу суботи неділя неділю неділі",
    function="а або адже але без би був буде були було бути в вже від він вони вона воно все всі до для з за зі і "
    "із їх її його й як яка який які коли ли лише між ми на над навіть не ні о об один після по поки при про раз "
    "саме свої своєї своїх себе та так також такий там те ти тим то того тоді той тільки у уже хоча це цей ця ці чи "
    "чого ще що щоб я",
)

ITALIAN: Final = CueWords(
    numbers="zero; uno una un; due; tre; quattro; cinque; sei; sette; otto; nove; dieci; undici; dodici; tredici; "
    "quattordici; quindici; sedici; diciassette; diciotto; diciannove; venti; trenta; quaranta; cinquanta; sessanta; "
    "settanta; ottanta; novanta",
    ordinals="primo prima 1o 1a; secondo seconda 2o 2a; terzo terza 3o 3a; quarto quarta; quinto quinta; sesto sesta; "
    "settimo settima; ottavo ottava; nono nona; decimo decima",
    openers="inaugurale iniziale apertura",
    closers="ultimo ultima finale decisivo decisiva",
    ahead="prossimo prossima prossimi prossime fino sarà previsto prevista possibile eventuale nessun nessuna futuro "
    "futura",
    coming="sarà saranno avrà terrà giocherà comincerà inizierà previsto prevista prossimo prossima domani potrebbe "
    "dovrebbe",
    behind="dalla dal precedente precedenti scorso scorsa",
    copulas="",
    amounts="alcuni alcune qualche diversi diverse pochi poche",
    units="giorno giorni settimana settimane mese mesi",
    since="dopo fa prima addietro",
    ago="",
    last="scorso scorsa passato passata precedente",
    back="precedentemente precedente precedenti allora",
    within="in a da inizio metà fine",
    spans="volta volte giorno giorni settimana settimane mese mesi anno anni ora ore minuto minuti secondi cento posto "
    "grado gradi",
    of="di del della dei delle",
    months="gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    weekdays="lunedì martedì mercoledì giovedì venerdì sabato domenica",
    function="a ad ai al alla alle allo anche ancora aveva che chi ci come con contro cui da dagli dai dal dalla "
    "dalle degli dei del della delle di dopo dove due durante e ed era erano essere fra gli ha hanno i il in io la "
    "le lei lo loro lui ma mentre mi negli nei nel nella nelle noi non nuovo o ogni per perché più poi prima quando "
    "quanto quella quello questa questo se secondo senza si sia sono stata stati stato su sua sue sugli sui sul "
    "sulla sulle suo suoi tra tutti tutto un una uno è",
)

PORTUGUESE: Final = CueWords(
    numbers="zero; um uma; dois duas; três; quatro; cinco; seis; sete; oito; nove; dez; onze; doze; treze; catorze "
    "quatorze; quinze; dezesseis dezasseis; dezessete dezassete; dezoito; dezenove dezanove; vinte; trinta; quarenta; "
    "cinquenta; sessenta; setenta; oitenta; noventa",
    ordinals="primeiro primeira 1o 1a; segundo segunda 2o 2a; terceiro terceira 3o 3a; quarto quarta; quinto quinta; "
    "sexto sexta; sétimo sétima; oitavo oitava; nono nona; décimo décima",
    openers="inaugural inicial abertura",
    closers="último última final decisivo decisiva",
    ahead="próximo próxima próximos próximas antes até será haverá previsto prevista possível eventual nenhum nenhuma",
    coming="será serão haverá terá disputará jogará começará previsto prevista marcado marcada próximo próxima amanhã "
    "poderá deverá deve",
    behind="desde anterior anteriores passado passada",
    copulas="é são",
    amounts="alguns algumas poucos poucas vários várias uns umas",
    units="dia dias semana semanas quinzena mês meses",
    since="depois após antes atrás",
    ago="há",
    last="passado passada anterior último última",
    back="anteriormente anterior anteriores então prévio prévia",
    within="em desde início meados fim",
    spans="vez vezes dia dias semana semanas mês meses ano anos hora horas minuto minutos segundos cento lugar grau "
    "graus",
    of="de do da dos das",
    months="janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    weekdays="terça sábado domingo",
    function="a ainda ao aos após as até com como contra da das de depois do dos durante e ela elas ele eles em "
    "entre era essa esse esta este está eu foi foram há isso já lhe mais mas mesmo muito na nas nem no nos não o "
    "onde os ou para pela pelas pelo pelos por porque qual quando que quem se sem ser seu seus sob sobre sua suas "
    "são só também tem teve tinha todos um uma vai à às é",
)

DUTCH: Final = CueWords(
    numbers="nul; één; twee; drie; vier; vijf; zes; zeven; acht; negen; tien; elf; twaalf; dertien; veertien; "
    "vijftien; zestien; zeventien; achttien; negentien; twintig; dertig; veertig; vijftig; zestig; zeventig; "
    "tachtig; negentig",
    ordinals="eerste 1e; tweede 2e; derde 3e; vierde 4e; vijfde 5e; zesde 6e; zevende 7e; achtste 8e; negende 9e; "
    "tiende 10e; elfde; twaalfde",
    openers="openings opening",
    closers="laatste finale beslissende",
    ahead="voor volgende komende toekomstige geplande mogelijke verwachte tot geen eventuele",
    coming="zal zullen zou moet gepland verwacht volgende komende morgen volgt dreigt",
    behind="sinds vorige eerdere voorgaande",
    copulas="",
    amounts="een enkele paar enige meerdere",
    units="dag dagen week weken maand maanden",
    since="geleden later eerder na nadat daarvoor",
    ago="",
    last="vorige afgelopen",
    back="eerder destijds voorheen voorgaande",
    within="in sinds begin half eind",
    spans="keer maal dag dagen week weken maand maanden jaar jaren uur uren minuut minuten seconden procent plaats",
    of="van der",
    months="januari februari maart april mei juni juli augustus september oktober november december",
    weekdays="maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    function="aan al alle als ook bij binnen boven daar dan dat de deze die dit doch door dus een en er geen haar "
    "had hadden heb hebben heeft hem het hier hij hoe hun ik in is ja kan kunnen maar me meer men met mijn na naar "
    "niet nog nu of om omdat onder ons op over te tegen toch toen tot tussen uit van veel voor want was wat we wel "
    "werd worden wie wordt zal ze zich zij zijn zo zonder zou",
)

POLISH: Final = CueWords(
    numbers="zero; jeden jedna jedno jednego; dwa dwie dwóch dwoje; trzy trzech; cztery czterech; pięć pięciu; "
    "sześć sześciu; siedem siedmiu; osiem ośmiu; dziewięć dziewięciu; dziesięć dziesięciu; jedenaście; dwanaście; "
    "trzynaście; czternaście; piętnaście; szesnaście; siedemnaście; osiemnaście; dziewiętnaście; dwadzieścia; "
    "trzydzieści; czterdzieści; pięćdziesiąt; sześćdziesiąt; siedemdziesiąt; osiemdziesiąt; dziewięćdziesiąt",
    ordinals="pierwszy pierwsza pierwsze pierwszego pierwszej pierwszym pierwszą; drugi druga drugie drugiego "
    "drugiej drugim drugą; trzeci trzecia trzecie trzeciego trzeciej trzecim trzecią; czwarty czwarta czwarte "
    "czwartego czwartej czwartym czwartą; piąty piąta piąte piątego piątej piątym piątą; szósty szósta szóste "
    "szóstego szóstej; siódmy siódma siódmego siódmej; ósmy ósma ósmego ósmej; dziewiąty dziewiąta dziewiątego "
    "dziewiątej; dziesiąty dziesiąta dziesiątego dziesiątej",
    openers="inauguracyjny inauguracyjna otwarcia",
    closers="ostatni ostatnia ostatnie ostatniego ostatniej decydujący decydująca decydującego",
    ahead="przed następny następna następnego następnej kolejny kolejna kolejnego kolejnej będzie przyszły przyszła "
    "planowany planowana możliwy możliwa do żaden żadna",
    coming="będzie będą odbędzie odbędą rozpocznie zaplanowany zaplanowana zaplanowano oczekuje oczekiwany następnego "
    "jutro może ma powinien powinna",
    behind="od poprzedni poprzednia poprzedniego poprzedniej wcześniejszy wcześniejsza zeszły zeszła",
    copulas="",
    amounts="kilka kilku parę",
    units="dzień dnia dni tydzień tygodnia tygodniu tygodnie tygodni miesiącu miesiąc miesiąca miesiące miesięcy",
    since="temu później wcześniej po",
    ago="przed",
    last="zeszły zeszła zeszłego zeszłej zeszłym ubiegły ubiegła ubiegłego ubiegłej ubiegłym poprzedni poprzedniego "
    "poprzedniej minionego",
    back="wcześniej wówczas poprzednio poprzedni poprzednia poprzedniego poprzedniej",
    within="w we na od początku połowie końcu",
    spans="raz razy dzień dni tydzień tygodnie tygodni miesiąc miesiące miesięcy rok roku lata lat godzina godziny "
    "godzin minuta minuty minut sekundy procent miejsce",
    of="",
    months="styczeń stycznia styczniu luty lutego lutym marzec marca marcu kwiecień kwietnia kwietniu maj maja maju "
    "czerwiec czerwca czerwcu lipiec lipca lipcu sierpień sierpnia sierpniu wrzesień września wrześniu październik "
    "października październiku listopad listopada listopadzie grudzień grudnia grudniu",
    weekdays="poniedziałek poniedziałku wtorek wtorku środa środę środy czwartek czwartku piątek piątku "
    "sobota sobotę soboty niedziela niedzielę niedzieli",
    function="a aby albo ale ani bez bo by być był była było były co czy czym dla do gdy gdzie go i ich ile im inne "
    "iż ja jak jako je jego jej jednak jest jeszcze już kiedy kto która które którego której który których ku lub "
    "ma mają mi między mnie może można my na nad nam nas nie niech nim niż o od on ona oni oraz pan po pod poza "
    "przed przez przy są się ta tak także tam te tego tej ten też to tu tylko tym u w we wie więc wszystkie z za ze "
    "że",
)

RUSSIAN: Final = CueWords(
    numbers="ноль; один одна одно одного одну; два две двух двое; три трёх трех трое; четыре четырёх четырех; пять "
    "пяти; шесть шести; семь семи; восемь восьми; девять девяти; десять десяти; одиннадцать; двенадцать; "
    "тринадцать; четырнадцать; пятнадцать; шестнадцать; семнадцать; восемнадцать; девятнадцать; двадцать; тридцать; "
    "сорок; пятьдесят; шестьдесят; семьдесят; восемьдесят; девяносто",
    ordinals="первый первая первое первого первой первому первую первым первом; второй вторая второе второго второму "
    "вторую вторым втором; третий третья третье третьего третьей третьему третью третьим третьем; четвёртый четвертый "
    "четвёртая четвертая четвертого четвёртого четвертой четвёртой; пятый пятая пятого пятой пятую; шестой шестая "
    "шестого шестую; седьмой седьмая седьмого седьмую; восьмой восьмая восьмого; девятый девятая девятого; десятый "
    "десятая десятого",
    openers="вступительный стартовый стартовая",
    closers="последний последняя последнее последнего последней решающий решающая решающего",
    ahead="следующий следующая следующего следующей следующем следующую перед до будет будущий будущая возможный "
    "возможная",
    coming="будет будут состоится состоятся пройдёт пройдет начнётся начнется запланирован запланирована запланировано "
    "ожидается следующего следующей завтра может должен должна должно",
    behind="предыдущий предыдущая предыдущего предыдущей прошлого прошлой",
    copulas="",
    amounts="несколько пару",
    units="день дня дни дней неделя недели неделе недель неделю месяц месяца месяце месяцы месяцев",
    since="назад спустя раньше после позже",
    ago="за через",
    last="прошлый прошлая прошлого прошлой прошлом прошлую прошлые предыдущий предыдущего предыдущей минувшего "
    "минувшей",
    back="ранее раньше тогда предыдущий предыдущая предыдущего предыдущей",
    within="в с на начале середине конце",
    spans="раз раза день дня дни дней неделя недели недель месяц месяца месяцы месяцев год года годы лет час часа "
    "часов минута минуты минут секунды процентов место",
    of="",
    months="январь января январе февраль февраля феврале март марта марте апрель апреля апреле май мая мае июнь "
    "июня июне июль июля июле август августа августе сентябрь сентября сентябре октябрь октября октябре ноябрь "
    "ноября ноябре декабрь декабря декабре",
    weekdays="понедельник понедельника вторник вторника среда среду среды четверг четверга пятница пятницу пятницы "
    "суббота субботу субботы воскресенье воскресенья",
    function="а без бы был была были было быть в вам вас весь во вот все всего всех вы где да даже для до его ее её "
    "если есть ещё еще же за здесь и из или им их к как ко когда кто ли либо между меня мне может мы на над надо "
    "наш не него нет ни них но ну о об однако он она они оно от очень по под при про с со так также такой там те "
    "тем то того тоже той только том ты у уже хотя чего чей чем что чтобы эта эти это я",
)

LANGUAGES: Final = (
    ENGLISH, GERMAN, SPANISH, FRENCH, UKRAINIAN, ITALIAN, PORTUGUESE, DUTCH, POLISH, RUSSIAN,
)  # fmt: skip
