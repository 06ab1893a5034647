"""Which words exclude one another, so that `enable` is never answered by `disable` nor `beef` by `chicken`.

A set is one line, its members parted by `/`; words of one member mean the same here. Two texts contrast when each
has a member of one set that the other has not. Written from general knowledge of English (antonyms and words of one
kind), not from any benchmark.
"""

# ruff: noqa: SIM905 - word lists read better as text than as 300 quoted strings
from __future__ import annotations

from pyagent_plugins.cache.meaning.words import stem

_SETS = """
increase raise grow expand enlarge rise gain / decrease reduce lower shrink lessen diminish drop fall
bigger larger big large / smaller small little
more most / less least fewer fewest
maximum max / minimum min / average mean
enable activate / disable deactivate
add insert attach include / remove delete detach withdraw exclude
lock / unlock
open opening / close closing shut
start begin / stop end finish
accept approve approved grant allow permit / reject rejected decline refuse deny revoke forbid prohibit ban
pass succeed success successful / fail failure unsuccessful
buy purchase / sell
borrow / lend
import / export
upload / download
upgrade / downgrade
push / pull
send / receive
join enter / leave quit exit
hire recruit / fire dismiss sack
before prior / after following
early earlier / late later
first initial / last final
next / previous
within_number / after_number
hot warm / cold cool freezing
wet / dry
high tall / low short
heavy / light
fast quick / slow
old / new
rich / poor
cheap inexpensive / expensive costly
loud noisy busy / quiet silent
strong / weak
full / empty
thick / thin
wide broad / narrow
deep / shallow
safe harmless / unsafe dangerous harmful
legal lawful / illegal unlawful
best / worst
better / worse
healthy / unhealthy
clean / dirty
public / private
compulsory mandatory required / optional voluntary
permanent / temporary
fixed / variable
active / inactive
visible / hidden
internal indoor inside / external outdoor outside
inbound incoming / outbound outgoing
arrive arrival arriving / depart departure departing
ascending / descending
encrypt / decrypt
encode / decode
compress / decompress extract
merge / split
advantage benefit pro / disadvantage drawback con
cause / effect
profit / loss
asset / liability
debit / credit
income revenue / expense expenditure
deposit / withdrawal
supply / demand
gross / net
input / output
row / column
horizontal / vertical
top / bottom
front / rear
upstairs / downstairs
acid / base alkaline
positive / negative
even / odd
sum / subtract
multiply product / divide quotient
birth born / death die
online internet web / offline instore paper postal inperson
online / phone
adult grownup / child children kid baby babies infant toddler teenager junior minor / senior pensioner elderly
man men male / woman women female
boy / girl
husband / wife
mother mum mom / father dad
son / daughter
brother / sister
king / queen
monthly / weekly / daily / yearly annual / quarterly / hourly
fulltime / parttime
single / joint / double
personal domestic residential home / business commercial corporate
domestic / international overseas abroad
undergraduate / postgraduate master phd doctoral
primary / secondary / tertiary
employee employed / selfemployed freelance contractor / unemployed
landlord / tenant
buyer / seller
employer / employee
teacher / student pupil
doctor / patient
sender / recipient
lender / borrower
free / paid premium
basic / standard / premium / enterprise
breakfast / lunch / dinner supper
morning / afternoon / evening / night
today / tomorrow / yesterday / tonight / monday / tuesday / wednesday / thursday / friday / saturday / sunday
spring / summer / autumn / winter
north northern / south southern / east eastern / west western
red / blue / green / yellow / orange / purple / black / white / brown / pink / grey
gold / silver / bronze / copper / iron / steel / aluminium aluminum / lead
beef steak / chicken / pork / lamb / fish / turkey / duck / tofu / prawn shrimp / salmon / tuna / bacon / ham
rice / pasta / quinoa / bread / potato / couscous / noodle
milk / cream / butter / cheese / yogurt / egg
tea / coffee / beer / wine / juice / water / vodka / whisky whiskey / gin
dog puppy / cat kitten / rabbit / hamster / horse / cow / sheep / goat / pig / bird / parrot / goldfish / snake
lion / tiger / bear / wolf / fox / elephant / whale / shark / dolphin
car / bus / train / plane flight / bike bicycle / boat ferry / taxi / tram / truck lorry / van / motorcycle motorbike
kitchen / bathroom / bedroom / garage / garden / office / attic loft / basement
sink / toilet / shower / bath / radiator / boiler / oven / fridge refrigerator / freezer / dishwasher / dryer
chair / table / desk / sofa couch / bed / lamp / shelf / wardrobe
shirt / trousers / shoe / hat / coat jacket / dress / skirt / sock / glove
phone / laptop / tablet / printer / router / monitor / keyboard / mouse
windows / mac macos / linux ubuntu / android / ios iphone ipad / chromeos
python / java / javascript / typescript / rust / ruby / php / kotlin / swift / golang / haskell / perl / scala
postgresql postgres / mysql / sqlite / mongodb / redis / oracle / mariadb
json / xml / yaml / csv / toml / parquet / html / pdf
gmail / outlook / yahoo / hotmail
slack / zoom / discord
list / tuple / dict dictionary / array / queue / stack
integer int / float / boolean bool / string
push / pop
client / server
source / target destination
virus / bacteria / fungus
vitamin / mineral
heart / lung / liver / kidney / brain / stomach / skin
diabetes / asthma / cancer / flu / measles / covid
paracetamol acetaminophen / ibuprofen / aspirin / naproxen
oxygen / hydrogen / nitrogen / carbon / helium
sun / moon / mars / venus / jupiter / saturn / mercury / neptune / uranus
delivery shipping / billing
checked / cabin carryon
labour labor / parts
passport / visa / licence license
war / peace
celsius / fahrenheit / kelvin
regular / extra
above over_number more_number / below under_number fewer_number
hard difficult / easy simple
true correct / false incorrect wrong
win / lose
within during / before / after
include cover / exclude
home / abroad overseas / work office
login / logout
optin / optout
checkin / checkout
movein / moveout
clockin / clockout
zoomin / zoomout
scaleup / scaledown
majority / minority
singular / plural
major / minor
give / take
good / bad
remember / forget
chrome / firefox / safari
current / previous
apple / pear / peach / plum / cherry / banana / mango / grape / lemon / strawberry / raspberry / melon
attack / defend
combine unite together / separate divide apart
create build construct / destroy demolish
curved / straight
convex / concave
dark / bright
bright / dim
entrance entry / exit
exact precise / approximate rough
expand / contract
fat / thin slim
flexible / rigid
float / sink
floor / ceiling
fresh / stale
fresh / frozen / canned tinned / dried
raw / cooked
boiled / fried / baked / roasted / grilled / steamed / poached
friend / enemy
frequent common / rare
guilty / innocent
happy / sad
inferior / superior
inner / outer
upper / lower
lead / follow
latest newest / earliest oldest
lengthen extend prolong / shorten
local / remote
local / national / regional / global
loose / tight
loosen / tighten
strengthen / weaken
improve / worsen
manual / automatic
melt / freeze
modern / ancient
multiple / single
natural / artificial synthetic
near nearest / far farthest furthest
optimist optimistic / pessimist pessimistic
partial / full
past / future
presence present / absence absent
promote / demote
reward / punish
rough / smooth
same identical / different
sharp / blunt
solid / liquid / gas
strict / lenient
sunrise / sunset
sweet / sour / salty / bitter / spicy
tame / wild
transparent / opaque
truth / lie
urban / rural
vacant / occupied
wealth / poverty
weekday weekdays / weekend weekends
peak / offpeak
wholesale / retail
attract / repel
reveal show / hide conceal
confirm / deny
continue / pause / stop
pause / resume
keep retain / discard
gain / lose
earn / spend
hit / miss
former / current
used secondhand refurbished / new
wired / wireless
landline / mobile
desktop / mobile
prepaid / postpaid
petrol gasoline / diesel / hybrid
gas / electricity electric / water / broadband internet
hardback hardcover / paperback / ebook / audiobook
express / standard / economy
oneway / return roundtrip
owner / tenant renter
parent / child
admin administrator / editor / viewer / guest
state / private
nursery kindergarten / primary / secondary / university college
bachelor / master / doctorate phd
travel / pet / dental / contents / buildings / landlord
creditor / debtor
plaintiff / defendant
host / guest
author / reader
winner / loser
ancestor / descendant
predator / prey
inhale / exhale
conductor / insulator
proton / neutron / electron
artery / vein
noun / verb / adjective / adverb
comedy / tragedy
fiction / nonfiction
stalactite / stalagmite
latitude / longitude
weather / climate
mitosis / meiosis
speed velocity / acceleration
mass / weight
radius / diameter / circumference
area / volume / perimeter
mean / median / mode
numerator / denominator
square / circle / triangle / rectangle
""".strip().splitlines()


def _table() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for line in _SETS:
        members = [words.split() for words in line.split("/")]
        name = f"{members[0][0]}/{members[1][0]}"
        for words in members:
            for form in {form for word in words for form in (word, stem(word))}:
                found.setdefault(form, []).append(f"{name}:{words[0]}")
    return {word: tuple(dict.fromkeys(places)) for word, places in found.items()}


LABELS = _table()
# What an order is turned into its opposite by, when only this differs at the front of a word.
PREFIXES = frozenset(
    frozenset(pair.split("|"))
    for pair in """un| non| dis| in| im| ir| il| mis| de| in|ex im|ex up|down over|under pre|post inter|intra in|out
    hyper|hypo maxi|mini pro|anti macro|micro as|des en|de in|de intro|extro uni|multi mono|poly sub|super""".split()
)


def labels(word: str) -> tuple[str, ...]:
    """The places of a lower-case word, as `set:member`; none for most words."""
    return LABELS.get(word) or LABELS.get(stem(word)) or ()


def opposite(one: str, other: str) -> bool:
    """Whether two words differ by what turns the sense: lock and unlock, import and export, harmless and harmful."""
    if one == other or min(len(one), len(other)) < 3:
        return False
    for ending, against in (("less", "ful"), ("ful", "less")):
        if one.endswith(ending) and other == one[: -len(ending)] + against:
            return True
    short = min(len(one), len(other))
    same = 0
    while same < short and one[-1 - same] == other[-1 - same]:
        same += 1
    # "install" and "uninstall" share the whole shorter word; "import" and "export" must share three letters.
    for shared in {same, same - 1, same - 2}:
        if shared >= 3 and frozenset((one[: len(one) - shared], other[: len(other) - shared])) in PREFIXES:
            return True
    return False
