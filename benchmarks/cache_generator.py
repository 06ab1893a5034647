"""Pairs of questions with a known truth, made from intents in many domains: paraphrases, traps and strangers.

An intent is a group of ways to ask one thing, with slots; a trap asks another thing in nearly the same words: another
filling of a slot, or a form that turns the sense. Intents of even and of odd place never meet, so that what was
fitted on one half can be tried on the other.
"""

# ruff: noqa: SIM905 - word lists read better as text
from __future__ import annotations

import random
from dataclasses import dataclass

SLOTS = {
    "city": "Lyon Porto Krakow Bergen Seville Antwerp Tampere Graz Bologna Cork Utrecht Malmo Turin Ghent".split(),
    "land": "Spain Norway Kenya Chile Japan Ghana Peru Latvia Iceland Jordan Nepal Uruguay Slovenia Slovakia".split(),
    "brand": "Acme Zenvo Lumira Quantix Brellan Norvik Tessaly Ovanta Kestrel Mondra Pexo Sorrel Vantro".split(),
    "person": "Maria Ahmed Yuki Oliver Priya Lars Chloe Mateo Ingrid Tomas Nadia Kofi Elena Marco".split(),
    "n": "2 3 4 5 6 8 10 12 15 18 20 25 30 40 45 60 75 90".split(),
    "food": "lentils barley oats salmon beef chicken tofu asparagus broccoli quinoa mushrooms chickpeas".split(),
    "lang": "Python Java Rust Kotlin Ruby Swift Haskell Perl Scala".split(),
    "file": "config.yaml report.csv notes.md main.rs users.json setup.cfg index.html".split(),
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "device": "router printer tablet boiler dishwasher thermostat camera laptop kettle projector".split(),
    "animal": "hamster rabbit parrot goldfish ferret tortoise gecko canary".split(),
    "illness": "asthma measles gout anaemia eczema tinnitus sciatica migraine shingles".split(),
}  # fmt: skip
# Ways to ask one thing, one a line; after "!" ways to ask nearly the same in words and something else in sense.
INTENTS = """
How long does the train from {city} to {city2} take?
What is the journey time by train from {city} to {city2}?
How many hours is it from {city} to {city2} by rail?
! How long does the train from {city2} to {city} take?
! How long does the bus from {city} to {city2} take?
! How much does the train from {city} to {city2} cost?

What is the capital of {land}?
Which city is the capital of {land}?
Tell me {land}'s capital city
! What is the population of {land}?
! What is the currency of {land}?

How do I reset my {brand} password?
I forgot my {brand} password, how can I get a new one?
What are the steps to change a forgotten password at {brand}?
! How do I reset my {brand} username?
! How do I change my {brand} email address?

How long should I boil {food}?
What is the cooking time for boiled {food}?
For how many minutes do I boil {food}?
! How long should I fry {food}?
! How long can I store boiled {food}?

How do I read a file line by line in {lang}?
What's the way to read a text file one line at a time in {lang}?
In {lang}, how can I loop over the lines of a file?
! How do I write a file line by line in {lang}?
! How do I read a file character by character in {lang}?

Cancel my order from {day}
Please cancel the order that I placed on {day}
I want to cancel the order I made on {day}
! Do not cancel my order from {day}
! Repeat my order from {day}
! Change my order from {day}

What are the symptoms of {illness}?
How can I tell if I have {illness}?
Which signs point to {illness}?
! What are the causes of {illness}?
! What are the symptoms of {illness} in children?
! How is {illness} treated?

How do I turn on my {brand} {device}?
How can I switch my {brand} {device} on?
What do I press to start the {brand} {device}?
! How do I turn off my {brand} {device}?
! How do I clean my {brand} {device}?

What is {n} percent of 350?
Calculate {n}% of 350
How much is {n} % of three hundred and fifty?
! What is {n} percent of 530?
! What is 350 percent of {n}?

Is the {brand} {device} under warranty for {n} months?
Does the guarantee on a {brand} {device} last {n} months?
Am I covered by warranty for {n} months with my {brand} {device}?
! Is the {brand} {device} under extended warranty for {n} months?
! Is the {brand} {device} not under warranty after {n} months?

What does a {animal} eat?
What should I feed my {animal}?
What food is right for a {animal}?
! How often does a {animal} eat?
! What must a {animal} never eat?

How much notice do I have to give after {n} years?
What is my notice period after {n} years of work?
After {n} years with the company, how long is my notice?
! How much notice must my employer give after {n} years?
! How much notice do I have to give after {n} months?

Who founded {brand}?
Who is the founder of {brand}?
Which person started {brand}?
! When was {brand} founded?
! Who runs {brand}?
! Where was {brand} founded?

How do I delete the file {file}?
What is the command to remove {file}?
How can I get rid of the file {file}?
! How do I restore the file {file}?
! How do I rename the file {file}?

Send the report to {person}
Please email {person} the report
Could you send {person} the report?
! Send the report from {person}
! Send the invoice to {person}
! Do not send the report to {person}

Do I need a visa for {land}?
Is a visa required to enter {land}?
Can I travel to {land} without a visa?
! Do I need a vaccination for {land}?
! Do I need a work visa for {land}?

Book a table for {n} on {day}
Reserve a table for {n} people on {day}, please
I'd like a table for {n} on {day}
! Cancel a table for {n} on {day}
! Book a meeting room for {n} on {day}

How do I upgrade my {brand} plan?
How can I move to a higher {brand} plan?
What is the way to upgrade a {brand} subscription?
! How do I downgrade my {brand} plan?
! How do I cancel my {brand} plan?
! How do I pause my {brand} plan?

Is {food} safe to eat raw?
Can I eat {food} raw?
Is it OK to eat uncooked {food}?
! Is {food} unsafe to eat cooked?
! Is {food} safe for dogs?

Convert {n} kilometres to miles
How many miles are {n} km?
What is {n} kilometers in miles?
! Convert {n} miles to kilometres
! Convert {n} kilometres to metres

Why does my {device} make a loud noise?
How come my {device} is so noisy?
What causes the loud noise in my {device}?
! Why does my {device} make no noise?
! Why does my {device} smell?
! When does my {device} make a loud noise?

Translate "good morning" into the language of {land}
How do people in {land} say "good morning"?
What is "good morning" in the language of {land}?
! Translate "good evening" into the language of {land}
! Translate "good morning" from the language of {land}

What is the minimum salary in {land}?
How high is the minimum wage in {land}?
What's the lowest legal wage in {land}?
! What is the maximum salary in {land}?
! What is the average salary in {land}?

Which museums in {city} are open on {day}?
What museums can I visit in {city} on {day}?
On {day}, which museums are open in {city}?
! Which museums in {city} are closed on {day}?
! Which restaurants in {city} are open on {day}?

How do I add {person} to the shared folder?
How can I give {person} access to the shared folder?
What must I do to let {person} into the shared folder?
! How do I remove {person} from the shared folder?
! How do I add {person} to the shared calendar?

What happens if I pay {n} days late?
What are the consequences of paying {n} days late?
If my payment is {n} days late, what happens?
! What happens if I pay {n} days early?
! What happens if I pay {n} weeks late?

Can I park near the station in {city}?
Is there parking by the station in {city}?
Where can I leave my car close to the {city} station?
! Can I park near the airport in {city}?
! Can I park a bike near the station in {city}?

How do I sort a list in {lang}?
What's the way of sorting a list in {lang}?
In {lang}, how can a list be sorted?
! How do I reverse a list in {lang}?
! How do I sort a list in descending order in {lang}?
! How do I sort a dictionary in {lang}?

Is the museum in {city} free for students?
Do students get into the {city} museum for free?
Is entry to the museum of {city} free if I'm a student?
! Is the museum in {city} free for pensioners?
! Is the museum in {city} free for teachers?

How tall is the tower of {city}?
What is the height of the {city} tower?
What height does the tower in {city} have?
! How old is the tower of {city}?
! How tall is the cathedral of {city}?

What does error {n} of my {device} mean?
My {device} shows error {n}, what is that?
What is the meaning of error code {n} on a {device}?
! How do I clear error {n} of my {device}?
! How often does error {n} of my {device} occur?

How many calories are in {food}?
What is the calorie content of {food}?
How much energy does {food} have in calories?
! How many vitamins are in {food}?
! How many calories are in fried {food}?
! How much protein is in {food}?

Remind me to call {person} at {n} past nine
Set a reminder to phone {person} at {n} past nine
I need a reminder to ring {person} at {n} past nine
! Remind me to call {person} at {n} to nine
! Remind me not to call {person} at {n} past nine
! Remind me to email {person} at {n} past nine

Is {brand} bigger than {brand2}?
Is {brand} a larger company than {brand2}?
Compared with {brand2}, is {brand} bigger?
! Is {brand2} bigger than {brand}?
! Is {brand} older than {brand2}?

How do I lock my {brand} card?
I lost my {brand} card, how do I block it?
What do I do to lock a {brand} card?
! How do I unlock my {brand} card?
! How do I order a {brand} card?

When does the shop in {city} close on {day}?
What is the closing time of the {city} store on {day}?
Until when is the shop in {city} open on {day}?
! When does the shop in {city} open on {day}?
! When does the shop in {city} close before {day}?
""".strip().split("\n\n")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two questions and whether one answer serves both; ``kind`` is paraphrase, form (a trap by its form), slot (by
    a filling) or stranger (another intent); ``intent`` is the place of the intent of ``one``."""

    one: str
    other: str
    same: bool
    kind: str
    intent: int


def pairs(count: int, seed: int, half: int | None = None, shares: tuple[int, ...] = (50, 25, 20, 5)) -> list[Pair]:
    """``count`` pairs from all intents, or from those of even (0) or odd (1) place. ``shares`` are the weights of
    paraphrase, form, slot and stranger."""
    draw = random.Random(seed)
    places = [place for place in range(len(INTENTS)) if half is None or place % 2 == half]
    kinds = draw.choices(("paraphrase", "form", "slot", "stranger"), shares, k=count)
    return [_pair(draw, draw.choice(places), kind, places) for kind in kinds]


def _pair(draw: random.Random, place: int, kind: str, places: list[int]) -> Pair:
    forms, traps = _forms(place)
    filling = _filling(draw)
    one = draw.choice(forms)
    if kind == "form":
        other = draw.choice(traps)
        one = forms[0] if draw.random() < 0.5 else one
    elif kind == "slot":
        return Pair(
            one.format(**filling), draw.choice(forms).format(**_changed(draw, filling, one)), False, kind, place
        )
    elif kind == "stranger":
        other = draw.choice(_forms(draw.choice([p for p in places if p != place]))[0])
    else:
        other = draw.choice([form for form in forms if form != one])
        if draw.random() < 0.2:
            one, other = one.format(**filling), _noisy(draw, one.format(**filling))
            return Pair(one, other, True, kind, place)
    return Pair(one.format(**filling), other.format(**filling), kind == "paraphrase", kind, place)


def _forms(place: int) -> tuple[list[str], list[str]]:
    lines = INTENTS[place].splitlines()
    return [line for line in lines if line[0] != "!"], [line[2:] for line in lines if line[0] == "!"]


def _filling(draw: random.Random) -> dict[str, str]:
    filling = {}
    for slot, values in SLOTS.items():
        filling[slot], filling[f"{slot}2"] = draw.sample(values, 2)
    return filling


def _changed(draw: random.Random, filling: dict[str, str], form: str) -> dict[str, str]:
    """The same filling with one slot of the form filled anew."""
    slot = draw.choice([slot for slot in SLOTS if f"{{{slot}}}" in form])
    rest = [value for value in SLOTS[slot] if value not in (filling[slot], filling[f"{slot}2"])]
    return filling | {slot: draw.choice(rest)}


def _noisy(draw: random.Random, text: str) -> str:
    """The same question as people type it: no capitals, politeness, a slip of the pen, no question mark."""
    touch = draw.randrange(4)
    if touch == 0:
        return text.lower().rstrip("?")
    if touch == 1:
        return f"Hi, {text[0].lower()}{text[1:]} Thanks!"
    words = text.split()
    long = [at for at, word in enumerate(words) if word.isalpha() and word.islower() and len(word) > 5]
    if touch == 2 and long:
        at, word = (place := draw.choice(long)), words[place]
        cut = draw.randrange(2, len(word) - 2)
        words[at] = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
        return " ".join(words)
    return f"  {text} ??"
