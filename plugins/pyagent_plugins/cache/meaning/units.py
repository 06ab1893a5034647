"""What a unit is worth, so that 90 minutes and 1.5 hours are one quantity and 5 km and 5 miles are two."""

# ruff: noqa: SIM905 - word lists read better as text than as 300 quoted strings
from __future__ import annotations

# dimension: name=factor. Months are no days: a month has no fixed length, but a year has twelve.
_UNITS = """
g: g=1 gram=1 gramme=1 grams=1 kg=1000 kgs=1000 kilo=1000 kilos=1000 kilogram=1000 kilograms=1000 mg=0.001
g: milligram=0.001 milligrams=0.001 mcg=1e-6 µg=1e-6 microgram=1e-6 micrograms=1e-6 tonne=1e6 tonnes=1e6 lb=453.59237
g: lbs=453.59237 oz=28.349523 ounce=28.349523 ounces=28.349523
m: m=1 metre=1 metres=1 meter=1 meters=1 cm=0.01 centimetre=0.01 centimetres=0.01 centimeter=0.01 centimeters=0.01
m: mm=0.001 millimetre=0.001 millimetres=0.001 millimeter=0.001 millimeters=0.001 km=1000 kms=1000 kilometre=1000
m: kilometres=1000 kilometer=1000 kilometers=1000 mile=1609.344 miles=1609.344 mi=1609.344 ft=0.3048 foot=0.3048
m: feet=0.3048 inch=0.0254 inches=0.0254 yard=0.9144 yards=0.9144 yd=0.9144
s: s=1 sec=1 secs=1 second=1 seconds=1 ms=0.001 millisecond=0.001 milliseconds=0.001 min=60 mins=60 minute=60
s: minutes=60 h=3600 hr=3600 hrs=3600 hour=3600 hours=3600 day=86400 days=86400 week=604800 weeks=604800
s: fortnight=1209600 fortnights=1209600
mo: month=1 months=1 year=12 years=12 yr=12 yrs=12 decade=120 decades=120 century=1200 centuries=1200
l: l=1 litre=1 litres=1 liter=1 liters=1 ml=0.001 millilitre=0.001 millilitres=0.001 milliliter=0.001
l: milliliters=0.001 cl=0.01 dl=0.1 gallon=3.785 gallons=3.785 pint=0.568 pints=0.568 cup=0.2366 cups=0.2366
l: tbsp=0.0148 tablespoon=0.0148 tablespoons=0.0148 tsp=0.00493 teaspoon=0.00493 teaspoons=0.00493
B: byte=1 bytes=1 kb=1e3 mb=1e6 gb=1e9 tb=1e12 kib=1024 mib=1048576 gib=1073741824 kilobyte=1e3 kilobytes=1e3
B: megabyte=1e6 megabytes=1e6 gigabyte=1e9 gigabytes=1e9 terabyte=1e12 terabytes=1e12
bit/s: kbps=1e3 mbps=1e6 gbps=1e9
W: w=1 watt=1 watts=1 kw=1000 kilowatt=1000 kilowatts=1000 mw=1e6
Wh: wh=1 kwh=1000 mwh=1e6
cal: cal=1 calorie=1 calories=1 kcal=1000
m/s: kph=0.27777778 kmh=0.27777778 mph=0.44704
V: v=1 volt=1 volts=1
Hz: hz=1 khz=1000 mhz=1e6 ghz=1e9
°C: °c=1 celsius=1
°F: °f=1 fahrenheit=1
°: °=1 degree=1 degrees=1
K: kelvin=1
%: %=1 percent=1 pct=1
usd: usd=1 dollar=1 dollars=1 buck=1 bucks=1 cent=0.01 cents=0.01
gbp: gbp=1 pound=1 pounds=1 quid=1 pence=0.01
eur: eur=1 euro=1 euros=1
jpy: jpy=1 yen=1
inr: inr=1 rupee=1 rupees=1
chf: chf=1 franc=1 francs=1
aud: aud=1
cad: cad=1
cny: cny=1 yuan=1 rmb=1
"""
UNITS: dict[str, tuple[str, float]] = {}
for _line in _UNITS.strip().splitlines():
    _dimension, _, _rest = _line.partition(": ")
    for _pair in _rest.split():
        _name, _, _factor = _pair.partition("=")
        UNITS[_name] = (_dimension, float(_factor))
SIGNS = {"£": "gbp", "$": "usd", "€": "eur", "¥": "jpy", "₹": "inr"}
MONEY = frozenset(SIGNS.values())
MULTIPLES = {"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "hundred": 100.0, "thousand": 1e3, "million": 1e6,
             "billion": 1e9, "trillion": 1e12}  # fmt: skip
_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen""".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
NUMBERS = {word: float(value) for value, word in enumerate(_SMALL)}
NUMBERS |= {word: 10.0 * (value + 2) for value, word in enumerate(_TENS)} | {"dozen": 12.0}
_ORDINALS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
fifteenth sixteenth seventeenth eighteenth nineteenth twentieth""".split()
ORDINALS = {word: value + 1 for value, word in enumerate(_ORDINALS)}
MONTHS = {
    name: number + 1
    for number, names in enumerate(
        """january:jan february:feb march april may june:jun july:jul august:aug september:sept:sep october:oct
        november:nov december:dec""".split()
    )
    for name in names.split(":")
}
WEEKDAYS = {
    name: names.split(":")[0]
    for names in """monday:mon tuesday:tue:tues wednesday:wed thursday:thu:thur:thurs friday:fri saturday:sat
    sunday:sun""".split()
    for name in (*names.split(":"), names.split(":")[0] + "s")
}


def quantity(value: float, unit: str = "") -> str:
    """One spelling of an amount in the base unit of its dimension: ("90", "minutes") is ``5400 s``.

    Six digits: conversions are written down rounded. An unknown unit is none.
    """
    dimension, factor = UNITS.get(unit, ("", 1.0))
    if dimension == "°F":
        dimension, value = "°C", (value - 32) / 1.8
    return f"{value * factor:.6g} {dimension}".rstrip()
