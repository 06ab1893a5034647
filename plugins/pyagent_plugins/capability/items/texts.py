"""Questions about a text at hand: taking facts out of it, and changing it by a rule."""

from __future__ import annotations

from random import Random

from pyagent_plugins.capability.items import gym
from pyagent_plugins.capability.items.maths import NAMES
from pyagent_plugins.capability.items.question import Draw, Generator, Question, ask

CITIES = ("Rome", "Oslo", "Lima", "Cairo", "Delhi", "Paris", "Tokyo", "Quito", "Berlin", "Dublin", "Sydney", "Boston")
LAST = ("Bell", "Stone", "Rivers", "Wood", "Hill", "Lake", "Fox", "Cole", "Page", "Reed", "Marsh", "West")
JOBS = ("baker", "nurse", "pilot", "tailor", "farmer", "lawyer", "singer", "waiter", "miner", "printer")
ITEMS = ("lamp", "chair", "desk", "kettle", "mirror", "carpet", "clock", "shelf", "blanket", "vase")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def record(draw: Draw) -> Question:
    """A named field of a form (1), of a sentence (2), of one person among several (3-5)."""
    chance = draw.chance
    field = ("city", "age", "job")[draw.turn % 3]
    people = [_person(chance, name) for name in chance.sample(NAMES, (1, 1, 3, 6, 12)[draw.level - 1])]
    target = people[-1] if draw.level < 3 else chance.choice(people)
    if draw.level == 1:
        form = "\n".join(f"{key.capitalize()}: {target[key]}" for key in ("name", "city", "age", "job"))
        shots = [
            ("Name: Max Orr\nCity: Bern\nAge: 21\nJob: cook\n\nWhat is the age?", "21"),
            ("Name: Eva May\nCity: Riga\nAge: 47\nJob: clerk\n\nWhat is the city?", "Riga"),
            ("Name: Ida Moss\nCity: Kyiv\nAge: 35\nJob: smith\n\nWhat is the job?", "smith"),
        ]
        return ask(f"{form}\n\nWhat is the {field}?", "exact", [target[field]], "extract.record", shots=shots)
    told = [_told(chance, person) for person in people]
    if draw.level == 5:
        # Found by what is said of them, not by name.
        other = next(key for key in ("job", "city", "age") if key != field)
        same = [person for person in people if person[other] == target[other]]
        known = f"the person whose {other} is {target[other]}" if len(same) == 1 else target["name"]
    else:
        known = target["name"]
    shots = [
        ("Max Orr, 21, lives in Bern and works as a cook. What is the age of Max Orr?", "21"),
        ("Eva May, 47, lives in Riga and works as a clerk. What is the job of Eva May?", "clerk"),
        ("Ida Moss, 35, lives in Kyiv and works as a smith. What is the city of Ida Moss?", "Kyiv"),
    ]
    text = f"{' '.join(told)} What is the {field} of {known}?"
    return ask(text, "exact", [target[field]], "extract.record", shots=shots, max_tokens=24)


def _person(chance: Random, name: str) -> dict[str, str]:
    return {
        "name": f"{name} {chance.choice(LAST)}",
        "city": chance.choice(CITIES),
        "age": str(chance.randint(19, 79)),
        "job": chance.choice(JOBS),
    }


def _told(chance: Random, person: dict[str, str]) -> str:
    ways = (
        "{name}, {age}, lives in {city} and works as a {job}.",
        "In {city} lives {name}, a {job} of {age} years.",
        "The {job} {name} is {age} and comes from {city}.",
    )
    return chance.choice(ways).format(**person)


def invoice(draw: Draw) -> Question:
    """A number of a bill: the one price (1), one of several (2, 3), the dearest (4), after a correction (5)."""
    chance = draw.chance
    names = chance.sample(ITEMS, (1, 2, 5, 8, 8)[draw.level - 1])
    prices = dict(zip(names, chance.sample(range(11, 299), len(names)), strict=True))
    target = names[draw.turn % len(names)]
    lines = [f"{name}: ${price}" for name, price in prices.items()]
    asked = f"What does the {target} cost?"
    answer: str = str(prices[target])
    if draw.level == 4:
        answer, asked = max(prices, key=prices.__getitem__), "Which item is the dearest?"
    if draw.level == 5:
        lines.append(
            f"Correction: the {target} costs ${prices[target] + 7}, and the {names[draw.turn - 1 & 7]} is free."
        )
        answer = str(prices[target] + 7)
    number = f"INV-{chance.randint(1000, 9999)}"
    text = f"Invoice {number}\n" + "\n".join(lines) + f"\n\n{asked}"
    shots = [
        ("Invoice INV-2207\nspoon: $14\n\nWhat does the spoon cost?", "$14"),
        ("Invoice INV-5310\nbench: $85\nladder: $120\n\nWhat does the ladder cost?", "$120"),
    ]
    wordings = [answer] if draw.level == 4 else [f"${answer}", answer]
    return ask(text, "exact", wordings, "extract.invoice", label=answer, shots=shots, max_tokens=24)


def dates(draw: Draw) -> Question:
    """The date of an event in a letter, among others as the level goes; from 4 on told by days before or after."""
    chance = draw.chance
    events = chance.sample(("meeting", "concert", "dinner", "exam", "wedding", "trip", "sale", "lecture"), draw.level)
    days = [(chance.randint(8, 20), chance.choice(MONTHS)) for _ in events]
    told = [f"The {event} is on {day} {month}." for event, (day, month) in zip(events, days, strict=True)]
    target = draw.turn % len(events)
    day, month = days[target]
    if draw.level >= 4:
        other = (target + 1) % len(events)
        shift = chance.choice((-5, -3, 3, 5, 7))
        day, month = days[other][0] + shift, days[other][1]
        when = f"{abs(shift)} days {'after' if shift > 0 else 'before'} the {events[other]}"
        told[target] = f"The {events[target]} is {when}."
    text = f"{' '.join(told)} When is the {events[target]}?"
    shots = [
        ("The party is on 9 June. When is the party?", "9 June"),
        ("The game is on 17 March. The play is on 12 May. When is the game?", "17 March"),
    ]
    wordings = [f"{day} {month}", f"{month} {day}", f"{day}th of {month}", f"{month} {day}th"]
    return ask(text, "exact", wordings, "extract.dates", label=wordings[0], shots=shots, max_tokens=24)


WORDS = (
    "river",
    "stone",
    "cloud",
    "apple",
    "horse",
    "green",
    "table",
    "light",
    "music",
    "paper",
    "sugar",
    "plant",
    "tiger",
    "ocean",
    "chair",
    "bread",
    "smile",
    "night",
    "train",
    "glass",
    "heart",
    "magic",
    "north",
    "radio",
    "spoon",
    "tower",
    "uncle",
    "voice",
    "water",
    "young",
    "zebra",
    "lemon",
    "candy",
    "dream",
    "eagle",
    "flame",
)


def letters(draw: Draw) -> Question:
    """A word in capitals (1), its first and last letter (2), backwards (3, 4: two words), each letter moved on (5)."""
    chance = draw.chance
    word, other = chance.sample(WORDS, 2)
    if draw.level == 1:
        # By turns up and down, so that copying is right in neither.
        if draw.turn % 2:
            shots = [("Write in small letters: DOG", "dog"), ("Write in small letters: SUMMER", "summer")]
            return ask(f"Write in small letters: {word.upper()}", "verbatim", word, "transform.letters", shots=shots)
        shots = [("Write in capital letters: dog", "DOG"), ("Write in capital letters: summer", "SUMMER")]
        return ask(f"Write in capital letters: {word}", "verbatim", word.upper(), "transform.letters", shots=shots)
    rule, right, shots = {
        2: (f"Write the first letter of: {word}", word[0], [("Write the first letter of: dog", "d")]),
        3: (f"Write backwards: {word}", word[::-1], [("Write backwards: dog", "god")]),
        4: (
            f"Write each word backwards: {word} {other}",
            f"{word[::-1]} {other[::-1]}",
            [("Write each word backwards: dog cat", "god tac")],
        ),
        5: (
            f"Replace each letter by the one that is {3 + draw.turn % 3} places later in the alphabet (z goes "
            f"on with a): "
            f"{word} {other}",
            _moved(f"{word} {other}", 3 + draw.turn % 3),
            [("Replace each letter by the one that is 1 place later in the alphabet (z goes on with a): dog", "eph")],
        ),
    }[draw.level]
    return ask(rule, "verbatim", right, "transform.letters", shots=shots, max_tokens=24)


def _moved(text: str, by: int) -> str:
    return "".join(chr((ord(c) - 97 + by) % 26 + 97) if c.isalpha() else c for c in text)


def words(draw: Draw) -> Question:
    """A list of words: repeated (1), the last (2), reversed (3), sorted (4), sorted by length then name (5)."""
    chance = draw.chance
    row = chance.sample(WORDS, (2, 3, 4, 6, 8)[draw.level - 1])
    listed = ", ".join(row)
    if draw.level == 1:
        shots = [("Repeat: red, blue", "red, blue"), ("Repeat: cup, pen", "cup, pen")]
        return ask(f"Repeat: {listed}", "sequence", row, "transform.words", shots=shots)
    if draw.level == 2:
        place = ("first", "last")[draw.turn % 2]
        right = row[0] if place == "first" else row[-1]
        shots = [
            ("Write the first word: red, blue, gold", "red"),
            ("Write the last word: cup, pen, hat", "hat"),
        ]
        return ask(f"Write the {place} word: {listed}", "verbatim", right, "transform.words", shots=shots)
    if draw.level == 3:
        shots = [("Write in reverse order: red, blue, gold, pink", "pink, gold, blue, red")]
        return ask(f"Write in reverse order: {listed}", "sequence", row[::-1], "transform.words", shots=shots)
    if draw.level == 4:
        shots = [("Sort by the alphabet: red, blue, gold", "blue, gold, red")]
        return ask(
            f"Sort by the alphabet: {listed}", "sequence", sorted(row), "transform.words", shots=shots, max_tokens=40
        )
    right_row = sorted((word for word in row if "e" not in word), key=lambda word: (word[-1], word))
    text = (
        f"Leave out the words with the letter e and sort the others by their last letter, words with the same last "
        f"letter by the alphabet. Write them with commas, and nothing else: {listed}"
    )
    return ask(text, "sequence", right_row or ["none"], "transform.words", max_tokens=48)


def cipher(draw: Draw) -> Question:
    """reasoning-gym's word sorting (4) and Caesar ciphers (5)."""
    if draw.level == 4:
        entry = gym.entry("word_sorting", draw, min_words=5, max_words=7)
        return ask(entry.question, "sequence", entry.answer.split(", "), "transform.sorting", max_tokens=64)
    entry = gym.entry("caesar_cipher", draw, min_words=3, max_words=5)
    text = f"{entry.question} Write it in capital letters."
    return ask(text, "verbatim", entry.answer, "transform.cipher", max_tokens=64)


GENERATORS = (
    Generator("extract.record", "text.extract", "1", record),
    Generator("extract.invoice", "text.extract", "1", invoice),
    Generator("extract.dates", "text.extract", "1", dates),
    Generator("transform.letters", "text.transform", "1", letters),
    Generator("transform.words", "text.transform", "1", words),
    Generator("transform.cipher", "text.transform", "1", cipher, levels=(4, 5)),
)
