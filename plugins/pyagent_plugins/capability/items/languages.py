"""Questions in other languages than English: words, numbers in words, weekdays and months, dates to read."""

from __future__ import annotations

from random import Random

from pyagent_plugins.capability.items.question import Draw, Generator, Question, ask

# English with Spanish, French, German, Italian; several wordings by |.
WORDS = """
water agua eau|l'eau wasser acqua
house casa maison haus casa
dog perro chien hund cane
cat gato chat katze gatto
bread pan pain brot pane
milk leche lait milch latte
sun sol soleil sonne sole
moon luna lune mond luna
book libro livre buch libro
night noche nuit nacht notte
red rojo rouge rot rosso
green verde vert grün verde
friend amigo ami freund amico
city ciudad ville stadt città
fire fuego feu feuer fuoco
tree árbol arbre baum albero
hand mano main hand mano
door puerta porte tür porta
fish pez|pescado poisson fisch pesce
apple manzana pomme apfel mela
school escuela école schule scuola
white blanco blanc weiß|weiss bianco
heart corazón cœur|coeur herz cuore
street calle rue straße|strasse strada|via
"""
LANGUAGES = ("Spanish", "French", "German", "Italian")
ROWS = [dict(zip(("English", *LANGUAGES), line.split(" "), strict=True)) for line in WORDS.strip().splitlines()]

# 0..20, then the tens to 90, then what makes 21: enough to write 0..99.
SPANISH = (
    "cero",
    "uno",
    "dos",
    "tres",
    "cuatro",
    "cinco",
    "seis",
    "siete",
    "ocho",
    "nueve",
    "diez",
    "once",
    "doce",
    "trece",
    "catorce",
    "quince",
    "dieciséis",
    "diecisiete",
    "dieciocho",
    "diecinueve",
    "veinte",
)
SPANISH_TENS = ("treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa")
GERMAN = (
    "null",
    "eins",
    "zwei",
    "drei",
    "vier",
    "fünf",
    "sechs",
    "sieben",
    "acht",
    "neun",
    "zehn",
    "elf",
    "zwölf",
    "dreizehn",
    "vierzehn",
    "fünfzehn",
    "sechzehn",
    "siebzehn",
    "achtzehn",
    "neunzehn",
)
GERMAN_TENS = ("zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
FRENCH = (
    "zéro",
    "un",
    "deux",
    "trois",
    "quatre",
    "cinq",
    "six",
    "sept",
    "huit",
    "neuf",
    "dix",
    "onze",
    "douze",
    "treize",
    "quatorze",
    "quinze",
    "seize",
    "dix-sept",
    "dix-huit",
    "dix-neuf",
)
FRENCH_TENS = {2: "vingt", 3: "trente", 4: "quarante", 5: "cinquante", 6: "soixante", 8: "quatre-vingt"}


def spanish(n: int) -> str:
    if n <= 20:
        return SPANISH[n]
    if n < 30:
        return {22: "veintidós", 23: "veintitrés", 26: "veintiséis"}.get(n, f"veinti{SPANISH[n - 20]}")
    return SPANISH_TENS[n // 10 - 3] + (f" y {SPANISH[n % 10]}" if n % 10 else "")


def german(n: int) -> str:
    if n < 20:
        return GERMAN[n]
    ones = "ein" if n % 10 == 1 else GERMAN[n % 10]
    return (f"{ones}und" if n % 10 else "") + GERMAN_TENS[n // 10 - 2]


def french(n: int) -> str:
    if n < 20:
        return FRENCH[n]
    tens = n // 10 - (n // 10 in (7, 9))
    rest = n - 10 * tens
    if rest == 0:
        return FRENCH_TENS[tens] + ("s" if tens == 8 else "")
    joint = " et " if rest in (1, 11) and tens != 8 else "-"
    return f"{FRENCH_TENS[tens]}{joint}{FRENCH[rest]}"


# Monday to Sunday.
WEEKDAYS = {
    "Spanish": "lunes martes miércoles jueves viernes sábado domingo",
    "German": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "Polish": "poniedziałek wtorek środa czwartek piątek sobota niedziela",
    "Turkish": "Pazartesi Salı Çarşamba Perşembe Cuma Cumartesi Pazar",
    "Finnish": "maanantai tiistai keskiviikko torstai perjantai lauantai sunnuntai",
    "Russian": "понедельник вторник среда четверг пятница суббота воскресенье",
    "Japanese": "月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日",
    "Korean": "월요일 화요일 수요일 목요일 금요일 토요일 일요일",
}
ENGLISH_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# The name of each month in languages that do not share them with English.
MONTHS = {
    "Finnish": (
        "tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu joulukuu"
    ),
    "Czech": "leden únor březen duben květen červen červenec srpen září říjen listopad prosinec",
    "Polish": "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
    "Croatian": "siječanj veljača ožujak travanj svibanj lipanj srpanj kolovoz rujan listopad studeni prosinac",
    "Lithuanian": "sausis vasaris kovas balandis gegužė birželis liepa rugpjūtis rugsėjis spalis lapkritis gruodis",
}


def words(draw: Draw) -> Question:
    """A word to English (1), from English (2), and between two others (3)."""
    order = list(ROWS)
    Random(f"{draw.shared}/{draw.level}").shuffle(order)
    row = order[draw.turn % len(order)]
    source = LANGUAGES[draw.turn % 2 if draw.level == 1 else draw.turn % 4]
    target = LANGUAGES[(draw.turn + 1 + draw.turn // 4 % 3) % 4] if draw.level == 3 else "English"
    if draw.level == 2:
        source, target = target, source
    shown = {"English": "horse", "Spanish": "caballo", "French": "cheval", "German": "Pferd", "Italian": "cavallo"}
    again = {"English": "bird", "Spanish": "pájaro", "French": "oiseau", "German": "Vogel", "Italian": "uccello"}
    ask_for = f"Translate from {source} to {target}: {{}}"
    shots = [(ask_for.format(each[source]), each[target]) for each in (shown, again)]
    wordings = row[target].split("|")
    text = ask_for.format(row[source].split("|")[0])
    return ask(text, "exact", wordings, "lang.words", label=wordings[0], shots=shots, max_tokens=16)


def numerals(draw: Draw) -> Question:
    """A number in words to digits (1, 2), and sums told in words (3-5, several languages in one at 5)."""
    chance = draw.chance
    ways = {"Spanish": spanish, "French": french, "German": german}
    language = tuple(ways)[draw.turn % 3]
    say = ways[language]
    if draw.level <= 2:
        n = chance.randint(1, 10) if draw.level == 1 else chance.randint(21, 99)
        shown = (12, 11) if draw.level == 1 else (34, 58)
        shots = [(f"Write this {language} number in digits: {say(each)}", str(each)) for each in shown]
        text = f"Write this {language} number in digits: {say(n)}"
        return ask(text, "number", n, "lang.numerals", shots=shots, max_tokens=8)
    a, b, c = chance.randint(21, 99), chance.randint(11, 20), chance.randint(21, 60)
    if draw.level == 3:
        text = f"What is {say(a)} plus {say(b)} (in {language})? Answer in digits with the number alone."
        return ask(text, "number", a + b, "lang.numerals", max_tokens=48)
    if draw.level == 4:
        text = {
            "Spanish": f"¿Cuánto es {say(a)} más {say(b)} menos {say(c)}? Responde solo con cifras.",
            "French": f"Combien font {say(a)} plus {say(b)} moins {say(c)} ? Réponds seulement en chiffres.",
            "German": f"Wie viel ist {say(a)} plus {say(b)} minus {say(c)}? Antworte nur in Ziffern.",
        }[language]
        return ask(text, "number", a + b - c, "lang.numerals", max_tokens=48)
    text = (
        f"{spanish(a).capitalize()} ist eine spanische Zahl, {french(b)} une française, {german(c)} eine deutsche. "
        "Multipliziere die erste mit der zweiten und ziehe die dritte ab. Antworte nur mit der Zahl in Ziffern."
    )
    return ask(text, "number", a * b - c, "lang.numerals", max_tokens=96)


def calendar(draw: Draw) -> Question:
    """Weekdays to English (3), the day after some days (4); months of other roots with a shift (5)."""
    chance = draw.chance
    if draw.level == 5:
        language = tuple(MONTHS)[draw.turn % len(MONTHS)]
        row, start, shift = MONTHS[language].split(), chance.randrange(12), chance.randint(2, 9)
        text = (
            f"In {language}, which month comes {shift} months after {row[start]}? Answer with its {language} "
            f"name alone."
        )
        right = [row[(start + shift) % 12]]
    else:
        language = tuple(WEEKDAYS)[draw.turn % len(WEEKDAYS)]
        row, start = WEEKDAYS[language].split(), chance.randrange(7)
        shift = chance.randint(2, 6) if draw.level == 4 else 0
        asked = f"Which weekday is {row[start]} in English?"
        if shift:
            asked = f"If today is {row[start]}, which weekday is it in {shift} days?"
        text, right = f"{asked} Answer with the English word alone.", [ENGLISH_DAYS[(start + shift) % 7]]
    return ask(text, "exact", right, "lang.calendar", label=right[0], max_tokens=32)


GENERATORS = (
    Generator("lang.words", "lang.multi", "1", words, levels=(1, 2, 3)),
    Generator("lang.numerals", "lang.multi", "1", numerals),
    Generator("lang.calendar", "lang.multi", "1", calendar, levels=(3, 4, 5)),
)
