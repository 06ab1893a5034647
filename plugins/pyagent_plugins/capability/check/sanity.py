"""Stage 0: is this set-up fit to be measured at all? A broken one is invalid, with the reason, and never scored.

A base model without a chat template scored 0 of 54 where the same weights answer half: that is no capability of 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pyagent.model import Model
from pyagent_plugins.capability.check.asking import Asker, Heard, heard_by
from pyagent_plugins.capability.items.graders import folded
from pyagent_plugins.capability.items.question import Question, ask

# Questions as unlike as can be: whoever says the same to all does not listen.
QUESTIONS = (
    "What is the capital of France?",
    "Write a Python function that adds two numbers.",
    "Say hello to my friend Anna.",
    "Count from one to five.",
    "Which animals live in the sea?",
    "Write a short sentence about the winter.",
)
# So many of the answers must be bad in the same way before the set-up is called broken.
MOST = 5


def probes() -> list[tuple[str, Question]]:
    return [(f"sanity/{i}", ask(text, "exact", "", "sanity", max_tokens=32)) for i, text in enumerate(QUESTIONS)]


async def sane(asker: Asker, model: Model | None) -> str:
    """Why this set-up cannot be measured, or nothing. ``model`` None: not a model of its own (self:*).

    Raises what the asker raises: who does not answer at all is unreachable, not insane.
    """
    if model is not None and (reason := no_template(model)):
        return reason
    return judged(await heard_by(asker, probes()))


def no_template(model: Model) -> str:
    """A model file without a chat template is a base model: it goes on with texts, and answers nothing."""
    if model.engine != "llama":
        return ""
    from pyagent.engine.llama.files import bundled_source, check_gguf

    path = Path(model.path) if model.path else bundled_source()
    return "" if check_gguf(path).template else f"the model file {path.name} has no chat template"


def judged(heard: Mapping[str, Heard]) -> str:
    """What is wrong with the answers to QUESTIONS, or nothing. Those that did not come are not judged."""
    rows = [(QUESTIONS[int(name.rpartition("/")[2])], each) for name, each in heard.items() if not each.error]
    if not rows:
        first = next(iter(heard.values()))
        return f"no question was answered: {first.error}"
    texts = [each.said.text.strip() for _, each in rows]
    bad = min(MOST, len(rows))
    if sum(not text for text in texts) >= bad:
        cut = sum(each.cut for _, each in rows)
        why = ", cut off at 32 tokens; a model that thinks before it answers needs more" if cut >= bad else ""
        return f"empty answers{why}"
    if _most_alike(texts) >= bad:
        return f"the same answer to every question: {texts[0][:60]!r}"
    if sum(folded(asked) in folded(text) for (asked, _), text in zip(rows, texts, strict=True)) >= bad:
        return "it repeats the question instead of answering"
    if sum(_noise(text) for text in texts) >= bad:
        return f"noise instead of words: {texts[0][:60]!r}"
    return ""


def _most_alike(texts: Sequence[str]) -> int:
    return max(texts.count(text) for text in texts) if len(texts) > 1 else 0


def _noise(text: str) -> bool:
    """Markup of a template, or one sign over and over."""
    words = text.split()
    return (len(words) > 4 and len(set(words)) <= len(words) // 5) or text.count("<|") > 1 or text.count("�") > 3
