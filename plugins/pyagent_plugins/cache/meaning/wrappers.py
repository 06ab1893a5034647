"""What people put around a question without asking for anything else, so that it can be taken off.

A wrapper is only taken off where what remains is a question by itself: `tell me who wrote it` is one, `tell me a joke`
is an order. English; patterns run over lower-case words with single blanks, a comma as a word of its own.
"""

from __future__ import annotations

# ruff: noqa: SIM905 - word lists read better as text than as 60 quoted strings
import re

WH = r"(?:what|which|who|whom|whose|by whom|when|where|why|how|at what|in what|in which|at which)"
_ADVERB = r"(?:please |kindly |possibly |just |maybe |perhaps |also )*"
_GREETING = re.compile(
    r"(?:hi|hello|hey|hiya|greetings|good (?:morning|afternoon|evening|day)|dear (?:assistant|all|team))"
    # "Good morning in Spanish" is what to translate.
    r"(?: there| again| everyone| team)?(?: ,| |$)+(?!(?:in|into|to|means?)\b)"
)
_MANNERS = re.compile(
    r"(?:please|kindly|um|uh|er|excuse me|pardon me|sorry(?: to (?:bother|trouble) you)?(?: (?:,|but))*"
    r"|(?:thank you(?: very much| so much)?|(?:many )?thanks(?: a lot| so much)?|cheers)(?: in advance)?(?= ,|$| "
    + WH
    + r"\b)"
    r"|(?:i have )?(?:a |one |just a |another |just one )?"
    r"(?:quick |silly |simple |small |short )*(?:question|quick one)"
    r"(?: for you)?(?:(?: ,)? but)?(?= ,|$| "
    + WH
    + r"\b)|just (?:curious|wondering)|(?:can|may|could) i (?:please )?ask(?: you)?"
    r"(?: something| a (?:quick )?question)?|i (?:want|wanted|would like) to ask(?: you)?(?: something)?"
    r"|(?:(?:i|we) )?(?:really |would |much )*appreciated? (?:it|that|this|(?:your|any|the) help)(?: very much)?(?=$)"
    r"|i am (?:just )?curious(?= ,|$| " + WH + r"\b))(?: ,| |$)+"
)
# These need a comma or a question behind them: "well water" is no sigh.
_SIGH = re.compile(
    r"(?:(?:well|so|now|ok|okay|right|oh|actually|basically|anyway|by the way|and|but|also|help|listen|look)"
    r"(?: ,)* ?)+(?=(?:, )*|$)"
)
_SO = re.compile(r"^(?:ok|okay|right|well)(?: ,)? so (?=\w)")
_ANYONE = r"(?:you|anyone|anybody|someone|somebody)"
# Whoever wants to know: `a friend asked me`, `my son is asking`, `the question is`.
_ASKER = re.compile(
    r"(?:(?:a|an|my|our|the|one of my) (?:\w+ )?(?!not\b)\w+ (?:just )?"
    r"(?:asked|asks|is asking|wonders|was wondering|wants to know"
    r"|wanted to know|would like to know)(?: me| us)?"
    r"|(?:my|the|our|here is my|here is a) (?:\w+ )?question(?: is)?"
    r"|i (?:have|have got|got) (?:a|another|one) (?:\w+ )?question(?: for you| about this)?)"
    # Behind a colon anything may be what is asked.
    r"(?:(?: ,)+ (?=\w+ \w)| (?=" + WH + r"\b|(?:if|whether|is|are|do|does|did|can|could|should|will|was|were) ))"
)
# Whatever stands before a comma or colon and is made of nothing but the words of asking: `just out of curiosity`.
_LEAD = re.compile(
    r"(?P<said>\w+(?: \w+)*)(?: ,)+ (?=(?:"
    + WH
    + r"|is|are|was|were|do|does|did|can|could|will|would|should|shall|may|might|must|has|have)\b)"
)
_ASKING = frozenset(
    """hey hi hello ask asking asked tell say wonder wondering wondered curiosity interest interested curious question
    questions help answer sorry hmm huh ah""".split()
)
_AROUND = _ASKING | frozenset(
    """all everyone everybody folks guys team there again i we you me us my a an the one this that it am have had
    would could can want wanted need like love to of out just only quick small short little silly simple stupid dumb
    another for please so ok okay well now and but here be let got was were someone somebody anyone anybody people
    today yesterday earlier lately may might do know told learn find hear understand remind inform kindly glad happy
    grateful keen eager any chance idea clue about really very always often sometimes if possible time moment thing
    thought wish trying""".split()
)
# What stands before `who`, `how`, `whether` and asks to be told: to me, by you, or by whoever asked me.
_TO_ME = re.compile(
    r"\b(?:tell|remind|inform) (?:me|us)$|\blet (?:me|us) (?:know|hear)$"
    r"|^(?:do|would|might|may|could|any \w+(?: that)?) (?:you|any\w+|some\w+) (?:happen to |might |could )?know$"
    r"|^(?:some\w+|any\w+|people|i was|i am|i got|we were)(?: \w+)* asked(?: (?:me|us))?(?: \w+)?$"
    r"|^(?:i|we)\b(?!.* (?:you|people|some\w+|any\w+)\b).* to (?:know|learn|find out|hear|understand|be told)$"
    r"|^(?:i|we)\b(?!.* (?:you|people|some\w+|any\w+)\b).* (?:wonder|wondered|wondering)$"
    r"|^(?:may|can|could|might) (?:i|we) (?:just |please |kindly )?ask(?: you)?$"
)
_FIRST_ASKS = re.compile(WH + r"\b|(?:if|whether) (?=\w)")
_REQUEST = re.compile(
    r"(?:please )?(?:(?:can|could|would|will|might) "
    + _ANYONE
    + r" "
    + _ADVERB
    + r"(?:be able to |be so kind as to )?"
    + _ADVERB
    + r")?"
    r"(?:would you mind )?"
    + _ADVERB
    + r"(?:tell(?:ing)? (?:me|us)|let(?:ting)? (?:me|us) know|remind(?:ing)? (?:me|us)"
    r"|inform(?:ing)? (?:me|us)|giv(?:e|ing) (?:me|us)|name|state|explain(?:ing)?(?: to (?:me|us))?"
    r"|help(?:ing)? me (?:to )?(?:understand|find out|figure out)"
    r"|show(?:ing)? me|teach(?:ing)? me)(?: please)?(?: ,)? "
    r"|(?:do you|would you|does (?:anyone|anybody|somebody|someone)) (?:happen to )?know(?: ,)? "
    r"|(?:can|could|may) i (?:please )?(?:get|have) "
    r"|(?:do you have )?any (?:idea|clue)(?: of| about)?(?: ,)? "
    r"|i (?:am |was )?hop(?:e|ed|ing) (?:that )?"
    + _ANYONE
    + r" (?:can|could|might|would) "
    + _ADVERB
    + r"(?:tell|explain to) (?:me|us)(?: ,)? "
    r"|i (?:really |just |also )*(?:would (?:really |just )?like|would (?:really )?love|want|need|wish|am trying"
    r"|was trying|was hoping|have|am curious|am eager) to "
    + _ADVERB
    + r"(?:know|find out|learn|understand|figure out)(?: ,)? "
    r"|i (?:am |would be )(?:really |very |just )?(?:interested|curious|eager|keen) to "
    r"(?:know|learn|find out|hear)(?: ,)? "
    r"|i (?:just |was just |was |am |am just |have been |have always |always |often |sometimes )?"
    r"(?:wonder|wondering|wondered|curious)(?: about)?(?: ,)? "
    r"|i (?:really |just )?(?:do not know|forgot|have forgotten|(?:can|could) not remember|do not remember"
    r"|(?:can|could) not recall|do not recall|am not (?:quite |really )?(?:sure|certain)"
    r"|am unsure|do not understand)(?: ,)? "
    r"|(?:i am )?(?:looking for|trying to find(?: out)?)(?: ,)? "
)
_CLOSING = re.compile(
    # "The German for thank you" asks for it.
    r"(?<! for)(?<! of)(?<! say)(?<! is)(?<! translate)"
    r"(?: ,| )+(?:please|appreciate it|much appreciated"
    r"|(?:many )?thanks(?: a lot| so much)?(?: in advance)?|thank you(?: very much| so much)?"
    r"(?: in advance)?|cheers|asking for a friend|if you (?:do not mind|can|know))(?: ,)*$"
)
# Who wants to know wants to be told, whatever it is; "do you know a joke" wants the joke.
_WANTS = re.compile(r"\bi (?:\w+ )*(?:want|need|like|love|wish|trying) to (?:\w+ )?(?:know|find out) ")
_ASKS = re.compile(WH + r"\b|(?:if|whether)\b")
# "the capital", "Australia's capital", "capital of Australia"; but "a joke" and "stories of old" are wished for.
_DEFINITE = re.compile(
    r"the \w|instructions \w|(?:(?!an? )\w+ ){1,6}possessive \w|(?!an? )\w+(?: \w+)?(?<!s) of \w"
    r"|(?:a|an|one) \w+ in \w+$"
    r"|a (?:good |simple )?(?:way|method|definition|explanation|reason) (?:to|of|for) "
)
_VALUE = re.compile(
    r"the (?:main |real )?reason (?:why|that|for)\b|the year (?:in|when|that|the|of)\b"
    r"|the (?:main |key )?(?:difference|distinction)s? between\b|the time (?:it|that)\b"
    r"|the (?:\w+ )?(?:steps?|ways?|process|procedure|method|name of|number of|\w+ (?:at|in|on) which)\b"
)


def unwrapped(text: str) -> str:
    """What is left of one sentence without greeting, manners and request; empty for thanks alone."""
    while True:
        before = text
        text = text.strip(" ,")
        if (match := _LEAD.match(text)) and _leads(match["said"].split()):
            text = text[match.end() :]
        if (match := _FIRST_ASKS.search(text)) and match.start() and _wants_told(text[: match.start()]):
            text = text[match.start() :]
        for pattern in (_GREETING, _MANNERS, _ASKER):
            if match := pattern.match(text):
                text = text[match.end() :]
        text = _SO.sub("", text)
        if (match := _SIGH.match(text)) and _sighs(match.group(), text[match.end() :]):
            text = text[match.end() :]
        text = _CLOSING.sub("", text)
        if (match := _REQUEST.match(text)) and _asks(text[match.end() :], match.group()):
            text = text[match.end() :]
        if text == before:
            return text


def _leads(words: list[str]) -> bool:
    """Whether words ask for nothing by themselves; a question of these words (`can you help me`) begins otherwise."""
    asked = words[0] in {"can", "could", "would", "do", "may", "might", "was", "were", "am"}
    return not _ASKING.isdisjoint(words) and _AROUND.issuperset(words) and not asked


def _wants_told(before: str) -> bool:
    """Whether the words before a question word only ask to be told; `I want you to know when` tells."""
    before = before.strip(" ,")
    return _TO_ME.search(before) is not None and _AROUND.issuperset(before.replace(" ,", "").split())


def _sighs(sigh: str, rest: str) -> bool:
    """With a comma behind it, or a question; but not in `right, left or straight on`."""
    if not rest or ("," in sigh and " or " not in rest):
        return True
    return rest.lstrip().startswith(",") or re.match(WH + " ", rest.strip(" ,")) is not None


def _asks(rest: str, request: str) -> bool:
    """Whether what follows a request is a question, or names one definite thing."""
    if _ASKS.match(rest) or _WANTS.search(request):
        return True
    # "explain the theory" wants more than "what is the theory"; a way, a name or a number is only to be told.
    if re.search(r"explain|understand|learn|show|teach", request):
        return _VALUE.match(rest) is not None
    return _DEFINITE.match(rest) is not None
