"""Facts of the world by how well they are known: the tables behind know.general, one ``question = answer`` a line.

Several answers are separated by ``|``. ``{}`` questions take a key: ``capital: France = Paris``. Level 1 is what a
child knows, level 5 what a specialist looks up. Facts that change (presidents, records) are left out.
"""

from __future__ import annotations

ASKS = {
    "capital": "What is the capital of {}?",
    "symbol": "What is the chemical symbol of {}?",
    "author": 'Who wrote "{}"?',
    "year": "In which year {}?",
    "continent": "On which continent is {}?",
    "opposite": "What is the opposite of {}?",
    "young": "What is a young {} called?",
    "is": "What is {}?",
    "which": "Which {}?",
    "who": "Who {}?",
    "many": "How many {}?",
}

LEVELS = {
    1: """
capital: France = Paris
capital: Germany = Berlin
capital: Spain = Madrid
capital: Italy = Rome
capital: Japan = Tokyo
capital: England = London
capital: Russia = Moscow
capital: Egypt = Cairo
capital: China = Beijing
capital: Greece = Athens
opposite: hot = cold
opposite: big = small|little
opposite: day = night
opposite: up = down
opposite: fast = slow
opposite: old = new|young
opposite: open = closed|close|shut
opposite: black = white
many: days are in a week = seven|7
many: months are in a year = twelve|12
many: legs does a dog have = four|4
many: hours are in a day = 24|twenty-four
is: the largest planet of our solar system = Jupiter
is: the planet that we live on = Earth
is: the star at the centre of our solar system = Sun
young: dog = puppy|pup
young: cat = kitten
continent: Egypt = Africa
continent: China = Asia
continent: France = Europe
symbol: oxygen = O
symbol: water = H2O|H₂O
""",
    2: """
capital: Portugal = Lisbon
capital: Canada = Ottawa
capital: Australia = Canberra
capital: Sweden = Stockholm
capital: Norway = Oslo
capital: Poland = Warsaw
capital: Austria = Vienna
capital: Ireland = Dublin
capital: Cuba = Havana
capital: Peru = Lima
symbol: gold = Au
symbol: silver = Ag
symbol: iron = Fe
symbol: hydrogen = H
symbol: carbon = C
symbol: sodium = Na
author: Romeo and Juliet = Shakespeare
author: Oliver Twist = Dickens
author: Pride and Prejudice = Austen
author: War and Peace = Tolstoy
author: Don Quixote = Cervantes
who: painted the Mona Lisa = Leonardo|da Vinci
who: was the first president of the United States = Washington
who: was the first man on the Moon = Armstrong
which: planet is known as the Red Planet = Mars
which: is the largest ocean on Earth = Pacific
which: is the highest mountain on Earth = Everest
young: cow = calf
young: sheep = lamb
young: horse = foal
many: sides has a hexagon = six|6
many: continents are there = seven|7
""",
    3: """
capital: Hungary = Budapest
capital: Finland = Helsinki
capital: Romania = Bucharest
capital: Kenya = Nairobi
capital: New Zealand = Wellington
capital: Turkey = Ankara
capital: Morocco = Rabat
capital: Chile = Santiago
capital: Vietnam = Hanoi
capital: Pakistan = Islamabad
symbol: potassium = K
symbol: lead = Pb
symbol: tin = Sn
symbol: mercury = Hg
symbol: copper = Cu
author: The Odyssey = Homer
author: Crime and Punishment = Dostoevsky|Dostoyevsky
author: The Old Man and the Sea = Hemingway
author: Moby-Dick = Melville
author: Brave New World = Huxley
year: did the Second World War end = 1945
year: did the French Revolution begin = 1789
year: did the Berlin Wall fall = 1989
year: did the Titanic sink = 1912
year: did Columbus first reach America = 1492
who: discovered penicillin = Fleming
who: formulated the laws of motion and universal gravitation = Newton
who: painted The Starry Night = van Gogh|Gogh
which: gas do plants take in for photosynthesis = carbon dioxide|CO2
which: organ makes insulin = pancreas
many: bones has an adult human = 206
is: the hardest natural substance = diamond
""",
    4: """
capital: Kazakhstan = Astana
capital: Mongolia = Ulaanbaatar|Ulan Bator
capital: Myanmar = Naypyidaw|Nay Pyi Taw
capital: Bolivia's seat of government = La Paz
capital: Slovenia = Ljubljana
capital: Madagascar = Antananarivo
capital: Laos = Vientiane
capital: Uganda = Kampala
capital: Estonia = Tallinn
capital: Paraguay = Asunción|Asuncion
symbol: antimony = Sb
symbol: tungsten = W
symbol: zirconium = Zr
symbol: bismuth = Bi
symbol: selenium = Se
author: The Master and Margarita = Bulgakov
author: One Hundred Years of Solitude = García Márquez|Garcia Marquez|Márquez|Marquez
author: The Magic Mountain = Mann
author: Things Fall Apart = Achebe
author: The Tale of Genji = Murasaki
year: was the Magna Carta sealed = 1215
year: did Constantinople fall to the Ottomans = 1453
year: was the Peace of Westphalia signed = 1648
year: was the Battle of Hastings = 1066
year: was the Congress of Vienna opened = 1814
who: proposed the wave equation of quantum mechanics in 1926 = Schrödinger|Schrodinger|Schroedinger
who: composed The Art of Fugue = Bach
who: developed the first polio vaccine = Salk
which: enzyme unwinds DNA during replication = helicase
which: is the longest river of Asia = Yangtze|Chang Jiang
is: the atomic number of iron = 26
is: the SI unit of magnetic flux = weber
""",
    5: """
capital: Burkina Faso = Ouagadougou
capital: Kiribati = Tarawa
capital: Palau = Ngerulmud
capital: Comoros = Moroni
capital: Eswatini (the administrative one) = Mbabane
capital: Vanuatu = Port Vila
capital: Nauru's government, by district = Yaren
capital: Djibouti = Djibouti
capital: Tuvalu = Funafuti
capital: Lesotho = Maseru
symbol: hafnium = Hf
symbol: protactinium = Pa
symbol: rutherfordium = Rf
symbol: praseodymium = Pr
symbol: dysprosium = Dy
author: The Man Without Qualities = Musil
author: Oblomov = Goncharov
author: Pedro Páramo = Rulfo
author: Season of Migration to the North = Salih
author: Auto-da-Fé = Canetti
year: was the Treaty of Tordesillas signed = 1494
year: was the Battle of Manzikert = 1071
year: was the Defenestration of Prague that began the Thirty Years' War = 1618
year: was the Edict of Nantes revoked = 1685
year: was the Golden Bull of Charles IV issued = 1356
who: proved the independence of the continuum hypothesis by forcing = Cohen
who: composed the opera Wozzeck = Berg
who: isolated fluorine as an element first = Moissan
which: cranial nerve supplies the lateral rectus muscle = abducens|sixth|VI
which: is the type genus of the family Hominidae = Homo
is: the atomic number of hafnium = 72
is: the SI unit of luminance = candela per square metre|candela per square meter|cd/m2|cd/m²|nit
""",
}


def facts(level: int) -> list[tuple[str, list[str]]]:
    """(question, answers) of a level, in the order of the table."""
    rows = []
    for line in LEVELS[level].strip().splitlines():
        kind, _, rest = line.partition(": ")
        about, _, answers = rest.partition(" = ")
        rows.append((ASKS[kind].format(about), answers.split("|")))
    return rows
