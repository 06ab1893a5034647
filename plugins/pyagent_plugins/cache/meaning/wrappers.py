"""What people put around a question without asking for anything else, so that it can be taken off.

A wrapper is only taken off where what remains is a question by itself: `tell me who wrote it` is one, `tell me a joke`
is an order. English; patterns run over lower-case words with single blanks, a comma as a word of its own.
"""

from __future__ import annotations

import re

WH = r"(?:what|which|who|whom|whose|by whom|when|where|why|how|at what|in what|in which|at which)"
_ADVERB = r"(?:please |kindly |possibly |just |maybe |perhaps |also )*"
_GREETING = re.compile(
    r"(?:hi|hello|hey|hiya|greetings|good (?:morning|afternoon|evening|day)|dear (?:assistant|all|team))"
    r"(?: there| again| everyone| team)?(?: ,| |$)+"
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
    r"|i (?:have|have got|got) (?:a|another|one) (?:\w+ )?question(?: for you| about this)?)(?: ,)* (?="
    + WH
    + r"\b|(?:if|whether|is|are|do|does|did|can|could|should|will|was|were) )"
)
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
    r"|i (?:just |was just |was |am |am just |have been |have always )?(?:wonder|wondering|wondered|curious)"
    r"(?: about)?(?: ,)? "
    r"|i (?:really |just )?(?:do not know|forgot|have forgotten|(?:can|could) not remember|do not remember"
    r"|(?:can|could) not recall|do not recall|am not (?:quite |really )?(?:sure|certain)"
    r"|am unsure|do not understand)(?: ,)? "
    r"|(?:i am )?(?:looking for|trying to find(?: out)?)(?: ,)? "
)
_CLOSING = re.compile(
    # "The German for thank you" asks for it.
    r"(?<! for)(?<! of)(?<! say)(?<! is)(?<! mean)(?<! translate)"
    r"(?: ,| )+(?:please|appreciate it|much appreciated"
    r"|(?:many )?thanks(?: a lot| so much)?(?: in advance)?|thank you(?: very much| so much)?"
    r"(?: in advance)?|cheers|asking for a friend|if you (?:do not mind|can|know))(?: ,)*$"
)
_ASKS = re.compile(WH + r"\b|(?:if|whether)\b")
# "the capital", "Australia's capital", "capital of Australia"; but "a joke" and "stories of old" are wished for.
_DEFINITE = re.compile(
    r"the \w|instructions \w|(?:(?!an? )\w+ ){1,6}possessive \w|(?!an? )\w+(?: \w+)?(?<!s) of \w"
    r"|(?:a|an|one) \w+ in \w+$"
    r"|a (?:good |simple )?(?:way|method|definition|explanation|reason) (?:to|of|for) "
)
_VALUE = re.compile(
    r"the (?:\w+ )?(?:steps?|ways?|process|procedure|method|name of|number of|\w+ (?:at|in|on) which)\b"
)


def unwrapped(text: str) -> str:
    """What is left of one sentence without greeting, manners and request; empty for thanks alone."""
    while True:
        before = text
        text = text.strip(" ,")
        for pattern in (_GREETING, _MANNERS, _ASKER):
            if match := pattern.match(text):
                text = text[match.end() :]
        text = _SO.sub("", text)
        if (match := _SIGH.match(text)) and (not text[match.end() :] or _open(text[match.end() :])):
            text = text[match.end() :]
        text = _CLOSING.sub("", text)
        if (match := _REQUEST.match(text)) and _asks(text[match.end() :], match.group()):
            text = text[match.end() :]
        if text == before:
            return text


def _open(rest: str) -> bool:
    return rest.lstrip().startswith(",") or re.match(WH + " ", rest.strip(" ,")) is not None


def _asks(rest: str, request: str) -> bool:
    """Whether what follows a request is a question, or names one definite thing."""
    if _ASKS.match(rest):
        return True
    # "explain the theory" wants more than "what is the theory"; a way, a name or a number is only to be told.
    if re.search(r"explain|understand|learn|show|teach", request):
        return _VALUE.match(rest) is not None
    return _DEFINITE.match(rest) is not None
